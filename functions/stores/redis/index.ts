/** Redis: the system store and the synchronization primitives. */
export * from './connection.ts';
export * from './drop.ts';
export * from './instance-counts.ts';
export * from './primitives/index.ts';
export * from './system-store.ts';
