import type { Outside as ClientOutside, Messaging, ObjectReader } from '@faaskeeper/client';
import { type InstanceSpec, storageKeys, subjects } from '@faaskeeper/protocol';
import { hybridReader } from '../../client/transport/redis.ts';
import type { Outside, UserStorage } from '../../functions/core/ports.ts';
import type { LaneName } from '../../functions/core/trigger/index.ts';
import { HybridUserStorage } from '../../functions/stores/hybrid/index.ts';
import { FAIR, Link, type Weather } from './network.ts';
import type { SimProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import { SimLane } from './servers/lane.ts';
import { SimLogServer, simLog } from './servers/log.ts';
import { NatsConnection, type NatsWeather, SimNatsServer, simNotifications } from './servers/nats.ts';
import { simRecordReader, simRedis } from './servers/records.ts';
import { SimStoreServer, simSystemStore } from './servers/system-store.ts';
import { SimObjectServer, simUserStorage } from './servers/user-storage.ts';

/** How long a call of the adapters may take, ms. */
const CALL_TIMEOUT = { nats: 5_000, redis: 2_000, s3: 4_000 } as const;

/** What a process is connected to. */
export interface Connections {
  readonly nats: NatsConnection;
  readonly redis: Link;
  readonly s3: Link;
}

/** The servers of one simulated world, and every process's way to them. */
export class Surroundings {
  readonly scheduler: Scheduler;
  readonly spec: InstanceSpec;
  readonly nats: SimNatsServer;
  readonly log: SimLogServer;
  readonly store: SimStoreServer;
  readonly objects = new SimObjectServer();
  readonly weather = {
    nats: { ...FAIR, lostMessage: 0, slowInterest: 0, interestMs: 0 } as NatsWeather,
    redis: { ...FAIR } as Weather,
    s3: { ...FAIR, delayMs: 2 } as Weather,
  };
  /** How far the time of day of two processes may be apart, ms. */
  clockSkew = 0;
  readonly #connections = new Map<SimProcess, Connections>();

  constructor(scheduler: Scheduler, spec: InstanceSpec) {
    this.scheduler = scheduler;
    this.spec = spec;
    const now = () => scheduler.now;
    this.log = new SimLogServer(now);
    this.store = new SimStoreServer(now);
    this.nats = new SimNatsServer(scheduler, subjects(spec.id), this.weather.nats, this.log);
  }

  get keys(): ReturnType<typeof storageKeys> {
    return storageKeys(this.spec.storagePrefix);
  }

  connections(process: SimProcess): Connections {
    const known = this.#connections.get(process);
    if (known !== undefined) return known;
    const { redis, s3 } = this.weather;
    const made: Connections = {
      nats: new NatsConnection(process, this.nats),
      redis: new Link(process, { name: 'Redis', weather: redis, ordered: true, timeoutMs: CALL_TIMEOUT.redis }),
      s3: new Link(process, { name: 'S3', weather: s3, ordered: false, timeoutMs: CALL_TIMEOUT.s3 }),
    };
    this.#connections.set(process, made);
    process.onDeath(() => this.#connections.delete(process));
    return made;
  }

  /** All that a function or the trigger sees of the outside. */
  outside(process: SimProcess): Outside {
    const { nats, redis, s3 } = this.connections(process);
    return {
      log: simLog(nats.link, this.log),
      system: simSystemStore(redis, this.store),
      objects: this.#userStorage(redis, s3),
      notifications: simNotifications(nats, this.nats),
      clock: process.clock,
      random: process.random,
      logger: process.logger,
    };
  }

  #userStorage(redis: Link, s3: Link): UserStorage {
    const objects = simUserStorage(s3, this.objects);
    if (this.spec.userStorage.type !== 'Hybrid') return objects;
    return new HybridUserStorage(simRedis(redis, this.store.records), objects, this.spec);
  }

  lane(process: SimProcess, name: LaneName): SimLane {
    const { nats } = this.connections(process);
    if (name === 'request') return new SimLane(nats, this.nats.requests);
    if (name === 'log') return new SimLane(nats, this.nats.log);
    return new SimLane(nats, this.nats.sink(subjects(this.spec.id).sink(name.sink)));
  }

  /** ... and a client. */
  client(process: SimProcess): ClientOutside {
    const { nats, redis, s3 } = this.connections(process);
    const storage = simUserStorage(s3, this.objects);
    const messaging: Messaging = {
      get connected() {
        return nats.connected;
      },
      maxPayload: 8 * 1024 * 1024,
      publish: (subject, payload) => nats.publish(subject, payload),
      subscribe: (subject, handler) => nats.subscribe(subject, handler),
      onConnection: (handler) => void nats.onConnection(handler),
      close: async () => nats.close(),
    };
    const inS3: ObjectReader = {
      get: async (key, signal) => (await storage.get(key, signal))?.body,
      close: () => undefined,
    };
    const { id, storagePrefix } = this.spec;
    const objects =
      this.spec.userStorage.type === 'Hybrid'
        ? hybridReader(inS3, simRecordReader(redis, this.store.records), { instance: id, prefix: storagePrefix })
        : inS3;
    return {
      messaging,
      objects,
      clock: {
        now: () => process.scheduler.now,
        timer: (ms, run) => process.after(ms, 'timer', run),
        soon: (run) => void process.after(0, 'soon', run),
      },
      random: process.random,
    };
  }
}
