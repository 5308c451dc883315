/** The three synchronization primitives of the FaaSKeeper paper, as scripts that Redis runs atomically. */
export * from './atomic-counter.ts';
export { AtomicList } from './atomic-list.ts';
export * from './timed-lock.ts';
