/**
 * The real servers that integration tests run on. `servers()` are those of the whole run, shared by all test files:
 * keep apart by instance id (`uniqueId`), and kill or wipe nothing. A test that kills or wipes starts its own with
 * `privateServers`.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Address } from '../../operator/servers/index.ts';
import {
  type NatsClientUser,
  type NatsServer,
  type RedisServer,
  type S3Kind,
  type S3Server,
  startNats,
  startRedis,
  startS3,
} from '../../operator/servers/index.ts';

export interface TestServers {
  readonly natsUrl: string;
  /** The system user: all rights. */
  readonly natsUser: string;
  readonly natsPassword: string;
  /** Path of its .creds file, where NATS has accounts; user and password are empty then. */
  readonly natsCreds?: string;
  readonly redisUrl: string;
  readonly s3: S3Address;
}

/** Names the file with the addresses of the run's servers (written by global-setup.mjs). */
export const serversFileVariable = 'FAASKEEPER_TEST_SERVERS';

/** The servers of this test run. */
export function servers(): TestServers {
  const file = process.env[serversFileVariable];
  if (file === undefined)
    throw new Error('No servers: this helper works in test/integration only (see jest.config.mjs).');
  return JSON.parse(readFileSync(file, 'utf8')) as TestServers;
}

/** An id that no other test uses, fit for instance ids, subjects, keys and prefixes. */
export function uniqueId(prefix = 't'): string {
  return `${prefix}${randomBytes(6).toString('hex')}`;
}

export interface PrivateServersOptions {
  readonly nats?: boolean;
  readonly redis?: boolean;
  /** true: MinIO. */
  readonly s3?: boolean | S3Kind;
  /** Client users of NATS (see instanceUser). */
  readonly natsClients?: readonly NatsClientUser[];
}

export interface PrivateServers {
  readonly nats: NatsServer;
  readonly redis: RedisServer;
  readonly s3: S3Server;
  /** The same as `servers()` gives, for the ones that were asked for. */
  readonly addresses: TestServers;
  /** Stops them and removes their data. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts servers for one test, which may kill, restart and wipe them: `await using own = await privateServers(…)`. */
export async function privateServers(options: PrivateServersOptions = {}): Promise<PrivateServers> {
  const { nats = true, redis = true, s3 = true, natsClients = [] } = options;
  const dir = await mkdtemp(join(tmpdir(), 'faaskeeper-test-'));
  const kind: S3Kind = typeof s3 === 'string' ? s3 : 'minio';
  const started = await Promise.allSettled([
    nats ? startNats({ dataDir: join(dir, 'nats'), clients: natsClients }) : undefined,
    redis ? startRedis({ dataDir: join(dir, 'redis') }) : undefined,
    s3 ? startS3({ dataDir: join(dir, kind), kind }) : undefined,
  ]);
  const stop = async () => {
    await Promise.all(started.map((server) => (server.status === 'fulfilled' ? server.value?.stop() : undefined)));
    await rm(dir, { recursive: true, force: true });
  };
  const failure = started.find((server) => server.status === 'rejected');
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  const [natsServer, redisServer, s3Server] = started.map((server) =>
    server.status === 'fulfilled' ? server.value : undefined,
  ) as [NatsServer | undefined, RedisServer | undefined, S3Server | undefined];
  return {
    get nats() {
      return asked(natsServer, 'nats');
    },
    get redis() {
      return asked(redisServer, 'redis');
    },
    get s3() {
      return asked(s3Server, 's3');
    },
    get addresses() {
      return {
        natsUrl: natsServer?.address ?? '',
        natsUser: natsServer?.system.user ?? '',
        natsPassword: natsServer?.system.password ?? '',
        redisUrl: redisServer?.url ?? '',
        s3: s3Server?.s3 ?? { endpoint: '', region: '', bucket: '', accessKeyId: '', secretAccessKey: '' },
      };
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A second S3 store for contract suites; start it in beforeAll, stop it in afterAll. */
export async function secondS3(
  kind: S3Kind = 'seaweedfs',
): Promise<{ s3: S3Address; stop(): Promise<void> } & AsyncDisposable> {
  const own = await privateServers({ nats: false, redis: false, s3: kind });
  const stop = () => own.stop();
  return { s3: own.s3.s3, stop, [Symbol.asyncDispose]: stop };
}

function asked<T>(server: T | undefined, name: string): T {
  if (server === undefined) throw new Error(`privateServers was not asked for ${name}`);
  return server;
}
