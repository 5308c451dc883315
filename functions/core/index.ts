/** The protocol as pure functions and classes over the seams of ports.ts. */
export * from './invocations.ts';
export * from './log-entry.ts';
export * from './ports.ts';
export * from './tables.ts';
