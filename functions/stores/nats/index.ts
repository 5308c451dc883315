/** NATS: the log, the lanes, the notifications, and the directory of instances. */
export * from './connection.ts';
export * from './instances.ts';
export * from './lane.ts';
export type { LaneInput } from './lane-consumer.ts';
export * from './log.ts';
export * from './notifications.ts';
export { streamExists } from './streams.ts';
