import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import { createServer } from 'node:tls';
import { encodeCovered, recordKeys, storageKeys } from '@faaskeeper/protocol';
import { Redis } from 'ioredis';
import type { ObjectReader } from '../../../client/ports.ts';
import { hybridReader, type RedisOptions, redisRecords } from '../../../client/transport/index.ts';
import { RedisUsers } from '../../../operator/credentials/index.ts';
import { authority } from '../../support/certificates.ts';
import { type PrivateServers, privateServers, uniqueId } from '../../support/servers.ts';

let own: PrivateServers;
let system: Redis;
let users: RedisUsers;
beforeAll(async () => {
  own = await privateServers({ nats: false, s3: false });
  system = new Redis(own.redis.url);
  users = new RedisUsers(own.redis.url);
});
afterAll(async () => {
  users.close();
  system.disconnect();
  await own.stop();
});

const inS3: ObjectReader = { get: async (key) => Buffer.from(key), close: () => undefined };
const url = () => {
  const { host } = new URL(own.redis.url);
  return `redis://${host}/0`;
};

/** An instance that shows one node as of zxid 7. */
async function place() {
  const instance = uniqueId();
  const prefix = `${instance}/`;
  const keys = storageKeys(prefix);
  const { state, record } = recordKeys(instance, prefix);
  await system.set(state, `${encodeCovered('ab', { sequence: 3, zxid: 7 })} 0`);
  await system.set(record(keys.node('/a'))!, 'TAGTAGTAnode');
  const login = await users.issue(instance);
  if ('refusal' in login) throw new Error(login.refusal);
  const open = (options: Partial<RedisOptions> = {}) =>
    hybridReader(inS3, redisRecords({ url: url(), ...login, ...options }), { instance, prefix });
  return { instance, keys, state, record, login, open };
}

const textOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

test('reads at once are answered by nodes from Redis and large data from S3, each as of what is covered', async () => {
  const { keys, open, state } = await place();
  const reader = open();
  const gets = [
    reader.get(keys.node('/a'), undefined, 7),
    reader.get(keys.node('/none')),
    reader.get(keys.data('/a', '1')),
  ];
  expect((await Promise.all(gets)).map(textOf)).toEqual(['node', undefined, keys.data('/a', '1')]);
  await expect(reader.get(keys.node('/a'), undefined, 8)).rejects.toMatchObject({ name: 'StorageBehindError' });
  for (const wrong of [`${encodeCovered('ab', undefined)} 0`, '2 ab 3 7 0', 'garbage']) {
    await system.set(state, wrong);
    await expect(reader.get(keys.node('/none'))).rejects.toMatchObject({ name: 'StorageBehindError' });
  }
  await system.del(state);
  await expect(reader.get(keys.node('/none'))).rejects.toMatchObject({ name: 'StorageBehindError' });
  reader.close();
});

test('a login reads the public records of its own instance and nothing else', async () => {
  const { keys, record, login } = await place();
  const theirs = await place();
  const redis = new Redis(url(), { ...login, enableReadyCheck: false });
  expect(await redis.get(record(keys.node('/a'))!)).toBe('TAGTAGTAnode');
  for (const refused of [
    () => redis.get(record(keys.protectedNode('/a'))!),
    () => redis.get(theirs.record(theirs.keys.node('/a'))!),
    () => redis.set(record(keys.node('/a'))!, 'x'),
    () => redis.keys('*'),
    () => redis.info(),
  ]) {
    await expect(refused()).rejects.toThrow('NOPERM');
  }
  redis.disconnect();
});

test('a login that is refused is read again, and one that was renewed takes over', async () => {
  const { instance, keys, login, open } = await place();
  let current = login;
  const reader = open({ ...login, password: 'old', renew: async () => current });
  expect(textOf(await reader.get(keys.node('/a')))).toBe('node');
  const [next, last] = [await users.issue(instance), await users.issue(instance)];
  if ('refusal' in next || 'refusal' in last) throw new Error('refused');
  current = last;
  await system.call('CLIENT', ['KILL', 'USER', login.username]);
  // Redis forgets the oldest password with the second new one.
  expect(textOf(await again(() => reader.get(keys.node('/a'))))).toBe('node');
  reader.close();
  const stranger = open({ password: 'wrong' });
  await expect(stranger.get(keys.node('/a'))).rejects.toThrow();
  stranger.close();
});

/** What was under way when the connection broke is repeated by whoever reads. */
async function again<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read();
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

test('rediss:// trusts the certificates of the binding, and no others', async () => {
  const { keys, open } = await place();
  await using tls = await authority();
  const { cert, key } = await tls.issue('redis', '/CN=localhost', ['localhost']);
  const port = Number(new URL(own.redis.url).port);
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (socket) => {
    const behind = connectSocket(port, '127.0.0.1');
    socket.pipe(behind).pipe(socket);
    socket.on('error', () => behind.destroy());
  }).listen(0);
  await once(server, 'listening');
  const secure = `rediss://localhost:${(server.address() as AddressInfo).port}/0`;
  const reader = open({ url: secure, ca: readFileSync(tls.ca, 'utf8') });
  expect(textOf(await reader.get(keys.node('/a')))).toBe('node');
  reader.close();
  const stranger = open({ url: secure });
  await expect(stranger.get(keys.node('/a'))).rejects.toThrow();
  stranger.close();
  server.close();
});
