/** The real adapters of the core's ports: JetStream, Redis, S3, core NATS. Nothing else talks to these servers. */
import type { InstanceSpec } from '@faaskeeper/protocol';
import type { NatsConnection } from 'nats';
import { type Incidents, reportFault } from '../core/faults.ts';
import type { LaneSource, Logger, Stores, UserStorage } from '../core/ports.ts';
import type { Tracing } from '../core/tracing.ts';
import type { StoresConfig } from './config.ts';
import { HybridUserStorage } from './hybrid/index.ts';
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
import { connectRedis, dropInstance, type InstanceCounts, instanceCounts, RedisSystemStore } from './redis/index.ts';
import { connectS3, S3UserStorage } from './s3/index.ts';

export { type StoresConfig, StoresConfigError, storesConfig, storesConfigSchema, storesEnvironment } from './config.ts';
export {
  connectNats,
  declareInstance,
  declareStreams,
  forgetInstance,
  type InstanceChange,
  InstanceDirectory,
  type LaneInput,
  type NatsOptions,
  registeredInstances,
  removeInstance,
  streamExists,
  suspendInstance,
} from './nats/index.ts';
export { AtomicCounter, AtomicList, connectRedis, type InstanceCounts, TimedLock } from './redis/index.ts';
export {
  connectS3,
  type KeyScope,
  probeKeyScope,
  probeUserStorage,
  UnsuitableStoreError,
  type UserStorageReport,
} from './s3/index.ts';
export { systemClock, systemRandom } from './system.ts';

export interface OpenStoresOptions {
  /** Names this program in the servers' lists of connections. Default `faaskeeper`. */
  readonly name?: string;
  readonly logger?: Logger;
  /** Counts what is found wrong with an instance. */
  readonly incidents?: ((instance: string) => Incidents) | undefined;
  /** What is appended, stored and delivered carries the trace around it. */
  readonly tracing?: Tracing | undefined;
  /** First token(s) of the reply subjects of the connection to NATS. */
  readonly inboxPrefix?: string;
  /** A lane that nothing comes to for so long (ms) gives its consumer back. Default 60 s. */
  readonly laneRestMs?: number | undefined;
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
  /** How large an instance is; undefined while it has no applied state. */
  counts(id: string): Promise<InstanceCounts | undefined>;
  /** Removes all that the system store has of an instance; resolves with the number of keys. */
  dropSystemStore(id: string): Promise<number>;
  /** Any keys of a bucket: without `s3`, of the bucket that has user storage. Close one that was given by address. */
  bucket(s3?: StoresConfig['s3']): { readonly objects: UserStorage; readonly bucket: string; close(): void };
  close(): Promise<void>;
}

/**
 * Connects to NATS; Redis and S3 are connected with their first use, so a program that needs one only waits for that.
 *
 * @throws when NATS cannot be reached within 15 s.
 */
export async function openStores(config: StoresConfig, options: OpenStoresOptions = {}): Promise<OpenStores> {
  const name = options.name ?? 'faaskeeper';
  const { tracing } = options;
  const onError = (error: unknown) => options.logger?.warn({ err: error }, 'a store failed in the background');
  const nats = await connectNats({ ...config.nats, name, inboxPrefix: options.inboxPrefix });
  const redis = connectRedis({ url: config.redis.url, name }, onError);
  const s3 = connectS3(config.s3);
  const instances = new InstanceDirectory(nats, onError);
  const userStorage = (spec: InstanceSpec): UserStorage => {
    const objects = new S3UserStorage(s3, spec.storagePrefix);
    return spec.userStorage.type === 'Hybrid' ? new HybridUserStorage(redis, objects, spec) : objects;
  };
  return {
    nats,
    instanceSpec: (id) => instances.spec(id),
    watchInstances: (handler) => instances.watch(handler),
    onConnection: (handler) => ({ close: onConnectionChange(nats, handler) }),
    instance: (spec) => ({
      log: new JetStreamLog(nats, spec.id, { tracing }),
      system: new RedisSystemStore(redis, spec.id, { onError, onDamage: (err) => reportDamage(options, spec.id, err) }),
      objects: userStorage(spec),
      notifications: new NatsNotifications(nats, spec, { tracing }),
    }),
    lane: (spec, input) =>
      new JetStreamLane(nats, spec, input, { origins: tracing !== undefined, restAfterMs: options.laneRestMs }),
    counts: (id) => instanceCounts(redis, id),
    dropSystemStore: (id) => dropInstance(redis, id),
    bucket: (other) => bucketOf(other ?? config.s3, other === undefined ? s3 : undefined),
    async close() {
      instances.close();
      await nats.close();
      redis.disconnect();
      s3.destroy();
    },
  };
}

function reportDamage({ logger, incidents }: OpenStoresOptions, instance: string, err: unknown): void {
  const message = 'the system store is damaged: it is treated as wiped, and rebuilt';
  if (logger === undefined) return;
  reportFault({ logger, incidents: incidents?.(instance) }, 'system-store-damaged', { instance, err }, message);
}

/** Nothing is deleted conditionally there, so there is nothing to probe. */
function bucketOf(config: StoresConfig['s3'], shared: ReturnType<typeof connectS3> | undefined) {
  const client = shared ?? connectS3(config);
  const objects = new S3UserStorage(client, '', { conditionalDelete: 'none' });
  return { objects, bucket: config.bucket, close: () => (shared === undefined ? client.destroy() : undefined) };
}
