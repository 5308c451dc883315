import type { OpenStores } from '@faaskeeper/functions/stores';
import { instanceSpecSchema, validate } from '@faaskeeper/protocol';
import { Redis } from 'ioredis';
import { chunks, describeSystemStoreContract, fillStore, put } from '../../contracts/system-store.ts';
import { privateServers, servers, uniqueId } from '../../support/servers.ts';
import { eventually, openTestStores } from '../../support/stores.ts';

let one: OpenStores;
let two: OpenStores;
let redis: Redis;
beforeAll(async () => {
  [one, two] = await Promise.all([openTestStores(servers()), openTestStores(servers())]);
  redis = new Redis(servers().redisUrl);
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  redis.disconnect();
});

const specOf = (id: string) => validate(instanceSpecSchema, { id, storagePrefix: 'unused/' }, 'spec');
const keysOf = (id: string) => redis.keys(`fk:{${id}}:*`);

/** As FLUSHALL, but for one instance: other tests use the server, too. */
async function wipe(id: string): Promise<void> {
  const keys = await keysOf(id);
  if (keys.length > 0) await redis.del(...keys);
}

describeSystemStoreContract('Redis', async () => {
  const id = uniqueId();
  return {
    store: one.instance(specOf(id)).system,
    other: two.instance(specOf(id)).system,
    wipe: () => wipe(id),
  };
});

describe('what only Redis has', () => {
  test('namespaces that were replaced, lost or left by a crash are removed', async () => {
    const id = uniqueId();
    const { system } = one.instance(specOf(id));
    const first = await fillStore(system, [put('node', '', '/a', 'a'), put('ephemeral', '1', '/a', '')]);
    await redis.hset(`fk:{${id}}:g1x00:t:node:`, '/left', 'by a crash');
    await system.rebuild(undefined, { applied: 0, zxid: 0 }, chunks([put('node', '', '/lost', 'lost')]));
    const second = await fillStore(system, [put('node', '', '/b', 'b')]);
    await eventually(async () => {
      const keys = await keysOf(id);
      return keys.every((key) => key.endsWith(':gen') || key.includes(`:${second}:`));
    });
    expect(second).not.toBe(first);
  });

  test('a namespace that is being filled is not removed by another rebuild', async () => {
    const id = uniqueId();
    const { system } = one.instance(specOf(id));
    const generation = await fillStore(system, []);
    const content = (async function* () {
      yield [put('node', '', '/early', 'early')];
      // Loses, and removes garbage.
      await two
        .instance(specOf(id))
        .system.rebuild('g0', { applied: 0, zxid: 0 }, chunks([put('node', '', '/x', 'x')]));
      await eventually(async () => (await keysOf(id)).filter((key) => key.includes(':t:node:')).length === 1);
      yield [put('node', '', '/late', 'late')];
    })();
    expect(await system.rebuild(generation, { applied: 1, zxid: 1 }, content)).toBe('switched');
    const read = await system.read(['/early', '/late'].map((key) => ({ table: 'node', group: '', key })));
    expect(read.values.every((value) => value !== null)).toBe(true);
  });

  test('scripts that the server forgot are sent again', async () => {
    const id = uniqueId();
    const { system } = one.instance(specOf(id));
    const generation = await fillStore(system, []);
    await redis.script('FLUSH');
    expect(await system.apply({ generation, sequence: 1, zxid: 1, mutations: [] })).toBe('applied');
  });

  test('while the server is down calls fail within a bounded time, and it is used again when it is back', async () => {
    await using own = await privateServers({ s3: false });
    const stores = await openTestStores(own.addresses);
    const { system } = stores.instance(specOf(uniqueId()));
    const generation = await fillStore(system, [put('node', '', '/a', 'a')]);
    own.redis.kill('SIGKILL');
    const begun = Date.now();
    await expect(system.read([])).rejects.toThrow();
    expect(Date.now() - begun).toBeLessThan(10_000);
    await own.redis.restart();
    await eventually(async () => (await system.read([]).catch(() => undefined)) !== undefined);
    expect((await system.read([{ table: 'node', group: '', key: '/a' }])).state).toMatchObject({
      generation,
      applied: 0,
    });
    await stores.close();
  });
});
