import { decodeCovered, objectOfRecord, recordKeys } from '@faaskeeper/protocol';
import type { Redis } from 'ioredis';
import { type ObjectReader, StorageBehindError } from '../ports.ts';
import { KeyRing } from './key-ring.ts';
import { trusting } from './trust.ts';

/** A user that may read the records of one instance. */
export interface RedisLogin {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

export interface RedisOptions extends RedisLogin {
  /** `redis://host:port/0`, or `rediss://` for TLS. */
  readonly url: string;
  /** Where the login comes from: asked when the server refuses it, and now and then. Default: it stays. */
  readonly renew?: (() => Promise<RedisLogin>) | undefined;
  /** Certificates (PEM) that a `rediss://` server may be signed by, besides the usual ones. */
  readonly ca?: string | undefined;
}

/** Of a connection; ms. */
const BOUNDS = {
  connect: 3_000,
  /** An answer that does not come: the caller repeats the read. */
  command: 5_000,
  reconnectStep: 50,
  reconnectMax: 1_000,
  /** Records that one command asks for. */
  records: 256,
} as const;

/** A record that must be of a storage whose state covers this zxid. */
interface Wanted {
  readonly state: string;
  readonly at: string;
  readonly covered: number;
}

/** Reads records of any instances that the login may read. */
export interface RecordReader {
  /** Rejects with StorageBehindError, or on an outage. */
  get(wanted: Wanted): Promise<Uint8Array | undefined>;
  close(): void;
}

interface Asked extends Wanted {
  readonly resolve: (record: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads an instance with Hybrid user storage: nodes and chunks from Redis, all else from `objects`. */
export function hybridReader(
  objects: ObjectReader,
  records: RecordReader,
  { instance, prefix }: { instance: string; prefix: string },
): ObjectReader {
  const { state, record } = recordKeys(instance, prefix);
  return {
    async get(key, signal, covered = 0) {
      const at = record(key);
      return at === undefined ? await objects.get(key, signal) : await records.get({ state, at, covered });
    },
    close() {
      records.close();
      objects.close();
    },
  };
}

/**
 * What is asked of an instance in one turn is one command, which also says how far Redis covers LOG: a Redis that was
 * wiped or rolled back is never taken for one without the node.
 */
export function redisRecords(options: RedisOptions): RecordReader {
  return new RedisRecords(options);
}

class RedisRecords implements RecordReader {
  readonly #options: RedisOptions;
  readonly #logins: KeyRing<RedisLogin>;
  #used: RedisLogin | undefined;
  #connection: Promise<Redis> | undefined;
  /** By state, which is one an instance. */
  #asked = new Map<string, Asked[]>();
  #closed = false;

  constructor(options: RedisOptions) {
    const { username, password, renew } = options;
    this.#options = options;
    this.#logins = new KeyRing<RedisLogin>({ username, password }, renew);
  }

  get(wanted: Wanted): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#asked.size === 0) process.nextTick(() => this.#send());
      const asked = this.#asked.get(wanted.state) ?? [];
      this.#asked.set(wanted.state, asked);
      asked.push({ ...wanted, resolve, reject });
    });
  }

  close(): void {
    this.#closed = true;
    this.#disconnect();
  }

  #send(): void {
    const all = this.#asked;
    this.#asked = new Map();
    for (const [state, asked] of all) {
      for (let first = 0; first < asked.length; first += BOUNDS.records) {
        const some = asked.slice(first, first + BOUNDS.records);
        this.#read(state, some).catch((error) => {
          for (const { reject } of some) reject(error);
        });
      }
    }
  }

  async #read(stateKey: string, asked: readonly Asked[]): Promise<void> {
    const [state, ...records] = await this.#mget([stateKey, ...asked.map(({ at }) => at)]);
    const zxid = decodeCovered(state?.toString())?.zxid ?? -1;
    asked.forEach(({ covered, resolve, reject }, i) => {
      const record = records[i] ?? undefined;
      if (zxid >= covered) resolve(record && objectOfRecord(record));
      else reject(new StorageBehindError(`Redis covers zxid ${zxid}, not ${covered}`));
    });
  }

  async #mget(keys: string[]): Promise<(Buffer | null)[]> {
    for (let renewed = false; ; renewed = true) {
      const login = this.#logins.current;
      try {
        return await (await this.#connected(login)).mgetBuffer(keys);
      } catch (error) {
        if (!isRefusal(error) || renewed || !(await this.#logins.replaced(login))) throw error;
      }
    }
  }

  #connected(login: RedisLogin): Promise<Redis> {
    if (this.#closed) return Promise.reject(new Error('The reader is closed'));
    if (this.#connection === undefined || this.#used !== login) {
      this.#disconnect();
      this.#used = login;
      this.#connection = connect(this.#options, login);
    }
    return this.#connection;
  }

  #disconnect(): void {
    void this.#connection?.then((redis) => redis.disconnect()).catch(() => undefined);
    this.#connection = undefined;
  }
}

/** The library is loaded where it is needed. */
async function connect({ url, ca }: RedisOptions, { username, password }: RedisLogin): Promise<Redis> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined || !url.startsWith('rediss:') ? {} : { tls: { ca: trusting(ca) } }),
    connectionName: 'faaskeeper-client',
    connectTimeout: BOUNDS.connect,
    commandTimeout: BOUNDS.command,
    // It would need INFO, which such a user may not.
    enableReadyCheck: false,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.random() * Math.min(BOUNDS.reconnectMax, attempt * BOUNDS.reconnectStep),
  });
  // Each call says what became of it.
  redis.on('error', () => undefined);
  return redis;
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && /^(WRONGPASS|NOAUTH|NOPERM|ERR AUTH|ERR invalid password)/.test(error.message);
}
