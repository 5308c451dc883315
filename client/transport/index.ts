/** The only place that knows NATS, S3 and Redis. */

export type { S3Keys } from './key-ring.ts';
export * from './nats.ts';
export type { NatsCreds } from './nats-creds.ts';
export { hybridReader, type RecordReader, type RedisLogin, type RedisOptions, redisRecords } from './redis.ts';
export * from './s3.ts';
export * from './system.ts';
