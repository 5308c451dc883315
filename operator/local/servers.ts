import type { S3Address } from '../servers/index.ts';
import {
  chooseS3,
  ensureBucket,
  instanceUser,
  type RunningServer,
  type S3Kind,
  startNats,
  startRedis,
  startS3,
} from '../servers/index.ts';
import { HomeError } from './errors.ts';
import type { Home, HomeIdentity } from './home.ts';
import { type LocalServerName, portFlag } from './names.ts';
import type { LocalSettings, NatsAddress } from './options.ts';

/** The servers of one local FaaSKeeper: given ones are used, the others were started. */
export interface LocalServers {
  readonly nats: NatsAddress;
  /** What the instance's clients log in with. */
  readonly client: NatsAddress;
  readonly redisUrl: string;
  readonly s3: S3Address;
  readonly storeTitle: string;
  readonly started: ReadonlyMap<LocalServerName, RunningServer>;
}

/** The store that a new home gets. */
export async function storeOf(settings: LocalSettings, onProgress: (line: string) => void): Promise<string> {
  if (typeof settings.s3 === 'object') return settings.s3.endpoint;
  return settings.s3 ?? (await chooseS3({ onProgress }));
}

/** A home's data is in one store: another one would be an instance that has lost everything visible. */
export function checkStore(settings: LocalSettings, home: Home, { store, storage = 'S3' }: HomeIdentity): void {
  const type = settings.instance.userStorage?.type ?? storage;
  if (type !== storage) {
    const message = `The user storage of ${home.path} is ${storage} and cannot become ${type}. Choose another --home.`;
    throw new HomeError('OTHER_STORE', message);
  }
  const wanted = typeof settings.s3 === 'object' ? settings.s3.endpoint : settings.s3;
  const isGiven = store.includes('://');
  if (wanted === store || (wanted === undefined && !isGiven)) return;
  const asked = wanted === undefined ? '--s3 is missing' : `--s3 asks for ${wanted}`;
  const message = `The data of ${home.path} is in ${store}, but ${asked}. Start with --s3 of that store, or choose another --home.`;
  throw new HomeError('OTHER_STORE', message);
}

export interface ServersOptions {
  readonly settings: LocalSettings;
  readonly home: Home;
  readonly identity: HomeIdentity;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Starts NATS, Redis and the S3 store at once (those that were not given); on failure none is left running. */
export async function startServers(options: ServersOptions): Promise<LocalServers> {
  const { settings, home, identity, onProgress, signal } = options;
  const started = new Map<LocalServerName, RunningServer>();
  const common = (name: LocalServerName) => ({
    dataDir: home.in(name === 's3' ? identity.store : name),
    port: settings.ports[name],
    portFlag: portFlag(name),
    onProgress,
    signal,
  });
  const keep = async <T extends RunningServer>(name: LocalServerName, starting: Promise<T>): Promise<T> => {
    const server = await starting;
    started.set(name, server);
    onProgress(`${server.title} answers at ${server.address}`);
    return server;
  };
  const user = instanceUser(identity.instance);
  const nats = async () => {
    if (settings.nats !== undefined) return { system: settings.nats, client: settings.nats };
    const server = await keep('nats', startNats({ ...common('nats'), clients: [user] }));
    const login = (who: { user: string; password: string } | undefined) => ({
      url: server.address,
      user: who?.user ?? '',
      password: who?.password ?? '',
    });
    return { system: login(server.system), client: login(server.clients[user.user]) };
  };
  const redis = async () => settings.redisUrl ?? (await keep('redis', startRedis(common('redis')))).url;
  const s3 = async () => {
    if (typeof settings.s3 === 'object') {
      await ensureBucket(settings.s3);
      return { address: settings.s3, title: 'S3' };
    }
    const server = await keep('s3', startS3({ ...common('s3'), kind: identity.store as S3Kind }));
    return { address: server.s3, title: server.title };
  };
  const results = await Promise.allSettled([nats(), redis(), s3()]);
  const [logins, redisUrl, store] = results;
  if (logins.status === 'fulfilled' && redisUrl.status === 'fulfilled' && store.status === 'fulfilled') {
    const { system, client } = logins.value;
    const { address, title } = store.value;
    return { nats: system, client, redisUrl: redisUrl.value, s3: address, storeTitle: title, started };
  }
  await Promise.all([...started.values()].map((server) => server.stop()));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (failures.length === 1) throw failures[0];
  throw new AggregateError(failures, failures.map((failure) => (failure as Error).message).join('\n'));
}
