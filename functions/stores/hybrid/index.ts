/** Hybrid user storage: nodes in Redis, what is large or rarely read in S3. */
export * from './user-storage.ts';
