/** The only place that knows NATS and S3. */
export * from './nats.ts';
export * from './s3.ts';
export * from './system.ts';
