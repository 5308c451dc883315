/** The only place that knows NATS and S3. */
export * from './nats.ts';
export type { NatsCreds } from './nats-creds.ts';
export * from './s3.ts';
export type { S3Keys } from './s3-keys.ts';
export * from './system.ts';
