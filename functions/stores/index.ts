/** The real adapters of the core's ports: JetStream, Redis, S3, core NATS. Nothing else talks to these servers. */
import type { InstanceSpec } from '@faaskeeper/protocol';
import type { NatsConnection } from 'nats';
import type { LaneSource, Logger, Stores } from '../core/ports.ts';
import type { StoresConfig } from './config.ts';
import {
  connectNats,
  type InstanceChange,
  InstanceDirectory,
  JetStreamLane,
  JetStreamLog,
  type LaneInput,
  NatsNotifications,
  onConnectionChange,
} from './nats/index.ts';
import { connectRedis, RedisSystemStore } from './redis/index.ts';
import { connectS3, S3UserStorage } from './s3/index.ts';

export { type StoresConfig, StoresConfigError, storesConfig, storesConfigSchema, storesEnvironment } from './config.ts';
export {
  connectNats,
  declareInstance,
  declareStreams,
  type InstanceChange,
  InstanceDirectory,
  type LaneInput,
  type NatsOptions,
  removeInstance,
} from './nats/index.ts';
export { AtomicCounter, AtomicList, connectRedis, TimedLock } from './redis/index.ts';
export { connectS3, probeUserStorage, UnsuitableStoreError, type UserStorageReport } from './s3/index.ts';
export { systemClock, systemRandom } from './system.ts';

export interface OpenStoresOptions {
  /** Names this program in the servers' lists of connections. Default `faaskeeper`. */
  readonly name?: string;
  readonly logger?: Logger;
  /** First token(s) of the reply subjects of the connection to NATS. */
  readonly inboxPrefix?: string;
}

/** Connections that all instances of a program share. */
export interface OpenStores {
  /** For declareInstance and removeInstance. */
  readonly nats: NatsConnection;
  /** The spec of an instance, or undefined where there is none; one that was asked for before costs nothing. */
  instanceSpec(id: string): Promise<InstanceSpec | undefined>;
  /** Tells of every instance that is declared now, then of every change; after a reconnect all that holds then again. */
  watchInstances(handler: (change: InstanceChange) => void): { close(): void };
  /** Calls the handler whenever the connection to NATS breaks (false) and when it is back (true). */
  onConnection(handler: (connected: boolean) => void): { close(): void };
  /** The stores of one instance. */
  instance(spec: InstanceSpec): Stores;
  /** An input of one instance; not open yet. */
  lane(spec: InstanceSpec, input: LaneInput): LaneSource;
  close(): Promise<void>;
}

/**
 * Connects to NATS; Redis and S3 are connected with their first use, so a program that needs one only waits for that.
 *
 * @throws when NATS cannot be reached within 15 s.
 */
export async function openStores(config: StoresConfig, options: OpenStoresOptions = {}): Promise<OpenStores> {
  const name = options.name ?? 'faaskeeper';
  const onError = (error: unknown) => options.logger?.warn({ err: error }, 'a store failed in the background');
  const { url, user, password } = config.nats;
  const nats = await connectNats({ url, name, user, password, inboxPrefix: options.inboxPrefix });
  const redis = connectRedis({ url: config.redis.url, name }, onError);
  const s3 = connectS3(config.s3);
  const instances = new InstanceDirectory(nats, onError);
  return {
    nats,
    instanceSpec: (id) => instances.spec(id),
    watchInstances: (handler) => instances.watch(handler),
    onConnection: (handler) => ({ close: onConnectionChange(nats, handler) }),
    instance: (spec) => ({
      log: new JetStreamLog(nats, spec.id),
      system: new RedisSystemStore(redis, spec.id, onError),
      objects: new S3UserStorage(s3, spec.storagePrefix, { bucket: config.s3.bucket }),
      notifications: new NatsNotifications(nats, spec.id),
    }),
    lane: (spec, input) => new JetStreamLane(nats, spec, input),
    async close() {
      instances.close();
      await nats.close();
      redis.disconnect();
      s3.destroy();
    },
  };
}
