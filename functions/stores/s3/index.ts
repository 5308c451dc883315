/** S3: user storage, and the probe that finds out what a store can do. */
export * from './client.ts';
export type { S3Options } from './options.ts';
export { type ConditionalDelete, probeUserStorage, UnsuitableStoreError, type UserStorageReport } from './probe.ts';
export { type KeyScope, probeKeyScope } from './scope.ts';
export * from './user-storage.ts';
