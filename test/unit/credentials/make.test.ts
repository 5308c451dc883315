import { decode } from '@nats-io/jwt';
import {
  CredentialsError,
  ensureCredentials,
  makeCredentials,
  type SecretStore,
  type StoredSecret,
} from '../../../operator/credentials/index.ts';

const ALL = { bundled: ['nats', 'redis', 's3'], redisHost: 'fk-redis.sys.svc' } as const;

/** Made once: signing takes a while. */
let made: Record<string, string>;
beforeAll(async () => {
  made = await makeCredentials({}, ALL);
});

test('everything that is needed is made', () => {
  expect(Object.keys(made).sort()).toEqual([
    'function-token',
    'nats-account',
    'nats-account-seed',
    'nats-operator-seed',
    'nats-system.creds',
    'nats.conf',
    'redis-password',
    'redis-url',
    's3-access-key-id',
    's3-secret-access-key',
  ]);
  expect(made['redis-url']).toBe(`redis://:${made['redis-password']}@fk-redis.sys.svc:6379/0`);
  expect(made['nats.conf']).toContain('sync_interval: always');
});

test('what is there is never changed', async () => {
  expect(await makeCredentials(made, ALL)).toEqual({});
});

test.each(['function-token', 'redis-password', 'redis-url', 's3-secret-access-key', 'nats.conf', 'nats-system.creds'])(
  'a missing %s is made again, alone',
  async (key) => {
    const { [key]: _, ...rest } = made;
    expect(Object.keys(await makeCredentials(rest, ALL))).toEqual([key]);
  },
);

test('the URL of Redis and its password agree, whichever was lost', async () => {
  const { 'redis-url': url, ...withoutUrl } = made;
  const { 'redis-password': password, ...withoutPassword } = made;
  expect(await makeCredentials(withoutUrl, ALL)).toEqual({ 'redis-url': url });
  expect(await makeCredentials(withoutPassword, ALL)).toEqual({ 'redis-password': password });
});

test('a configuration that is made again names the same account, signed by the same operator', async () => {
  const { 'nats.conf': config = '', ...rest } = made;
  const again = (await makeCredentials(rest, ALL))['nats.conf'] ?? '';
  const claims = (text: string) => decode(/^operator: (.*)$/m.exec(text)?.[1] ?? '').sub;
  expect(claims(again)).toBe(claims(config));
  expect(again).toContain(`${rest['nats-account']}: `);
});

test('an account of which half is lost is not replaced', async () => {
  const { 'nats-account-seed': _, ...rest } = made;
  await expect(makeCredentials(rest, ALL)).rejects.toThrow(CredentialsError);
  await expect(makeCredentials(rest, ALL)).rejects.toThrow(/nats-account-seed is missing/);
});

test('for servers that are given, nothing is made', async () => {
  expect(Object.keys(await makeCredentials({}, { ...ALL, bundled: [] }))).toEqual(['function-token']);
});

/** Without NATS, whose keys take a while. */
const QUICK = { ...ALL, bundled: ['redis', 's3'] } as const;

/** A Secret with the API server's optimistic concurrency; `before` runs before each write. */
function secretStore(before: (write: number) => void = () => {}) {
  let stored: StoredSecret | undefined;
  let writes = 0;
  const put = (data: Record<string, string>) => {
    stored = { data, resourceVersion: String(Number(stored?.resourceVersion ?? 0) + 1) };
  };
  const store: SecretStore = {
    read: async () => stored,
    async create(data) {
      before(++writes);
      if (stored !== undefined) return 'conflict';
      put({ ...data });
      return 'done';
    },
    async add(data, resourceVersion) {
      before(++writes);
      if (stored?.resourceVersion !== resourceVersion) return 'conflict';
      put({ ...stored.data, ...data });
      return 'done';
    },
  };
  return { store, put, data: () => stored?.data };
}

test('the Secret is created, and a second run leaves it alone', async () => {
  const secret = secretStore();
  expect(await ensureCredentials(secret.store, QUICK)).toContain('redis-url');
  const first = secret.data();
  expect(await ensureCredentials(secret.store, QUICK)).toEqual([]);
  expect(secret.data()).toBe(first);
});

test('of two runs at once, the credentials of one hold', async () => {
  const secret = secretStore((write) => {
    if (write === 1) secret.put(made);
  });
  expect(await ensureCredentials(secret.store, QUICK)).toEqual([]);
  expect(secret.data()).toEqual(made);
});

test('an upgrade adds what a release before did not have', async () => {
  const secret = secretStore();
  secret.put({ 'function-token': 'kept', mine: 'kept too' });
  await ensureCredentials(secret.store, { ...ALL, bundled: ['s3'] });
  expect(secret.data()).toMatchObject({
    'function-token': 'kept',
    mine: 'kept too',
    's3-access-key-id': expect.any(String),
  });
});
