/** Hybrid user storage: what the distributor makes of a Redis that lost something. */
import { recordKeys } from '@faaskeeper/protocol';
import { Redis } from 'ioredis';
import { servers } from '../../support/servers.ts';
import { TreeModel } from '../../support/tree-model.ts';
import { expectVisible, type TestInstance, testInstance } from './instance.ts';

const HYBRID = { userStorage: { type: 'Hybrid' as const, thresholdBytes: 10 } };
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const LARGE = bytes('larger than the threshold');

let redis: Redis;
beforeAll(() => {
  redis = new Redis(servers().redisUrl);
});
afterAll(() => redis.disconnect());

/** Every key of the instance's user storage as it is now; what is returned brings them back. */
async function snapshot({ spec }: TestInstance): Promise<() => Promise<void>> {
  const { state, pattern } = recordKeys(spec.id, spec.storagePrefix);
  const all = async () => [state, ...(await redis.keys(pattern))];
  const keys = await all();
  const values = await redis.mgetBuffer(keys);
  return async () => {
    await redis.del(...(await all()));
    for (const [i, key] of keys.entries()) await redis.set(key, values[i]!);
  };
}

async function planted(instance: TestInstance): Promise<TreeModel> {
  const model = new TreeModel();
  model.entry([{ create: '/a', data: LARGE }], [{ create: '/a/b', data: bytes('1') }], [{ create: '/c' }]);
  await model.append(instance.outside.log);
  return model;
}

async function next(instance: TestInstance, model: TreeModel, ...steps: Parameters<TreeModel['entry']>) {
  const entry = model.entry(...steps);
  await model.append(instance.outside.log, model.entries.length - 1);
  return { messages: [model.message(entry)] };
}

const told = async (instance: TestInstance) => {
  await instance.outside.notifications.flush();
  return instance.watermarks.map(({ zxid }) => zxid);
};

test('what is there already but was not published is published by whoever comes next', async () => {
  await using instance = await testInstance(HYBRID);
  const model = await planted(instance);
  const messages = [model.message(model.entries[0]!)];
  const { notifications } = instance.outside;
  const mute = instance.distributor({
    notifications: {
      flush: () => notifications.flush(),
      subscribe: (...args) => notifications.subscribe(...args),
      store: (...args) => notifications.store(...args),
      publish: () => {
        throw new Error('killed');
      },
    },
  });
  await expect(mute.handle({ messages })).rejects.toThrow('killed');
  await expectVisible(instance, model);
  expect(await told(instance)).toEqual([]);
  await instance.distributor().handle({ messages });
  expect(await told(instance)).toEqual([3]);
});

test('rolled back, it gets again what LOG has since, and nobody is told twice', async () => {
  await using instance = await testInstance(HYBRID);
  const model = await planted(instance);
  const distributor = instance.distributor();
  await distributor.handle({ messages: [model.message(model.entries[0]!)] });
  const restore = await snapshot(instance);
  await distributor.handle(await next(instance, model, [{ set: '/a', data: bytes('2') }], [{ remove: '/c' }]));
  await distributor.handle(await next(instance, model, [{ create: '/a/d', data: LARGE }]));
  expect(await told(instance)).toEqual([3, 5, 6]);
  await restore();
  await distributor.handle(await next(instance, model, [{ set: '/a/b', data: LARGE }]));
  await expectVisible(instance, model);
  expect(await told(instance)).toEqual([3, 5, 6, 7]);
});

test.each(['warm', 'new'])('wiped, or older than LOG goes back, it is filled from the checkpoint: %s', async (kind) => {
  await using instance = await testInstance(HYBRID);
  const model = await planted(instance);
  let distributor = instance.distributor();
  await distributor.handle({ messages: [model.message(model.entries[0]!)] });
  const restore = await snapshot(instance);
  await distributor.handle(await next(instance, model, [{ set: '/a', data: bytes('2') }], [{ create: '/e' }]));
  await distributor.checkpoint();
  expect((await instance.outside.log.bounds()).first).toBe(3);
  const wipe = async () => void (await redis.del(...(await redis.keys(`fk:{${instance.spec.id}}:*`))));
  for (const lose of [restore, wipe]) {
    await lose();
    if (kind === 'new') {
      await distributor.close();
      distributor = instance.distributor();
    }
    await distributor.handle(await next(instance, model, [{ set: '/a/b', data: LARGE }]));
    await expectVisible(instance, model);
  }
});

test('a checkpoint puts there again what was lost, before LOG is trimmed', async () => {
  await using instance = await testInstance(HYBRID);
  const model = await planted(instance);
  const distributor = instance.distributor();
  await distributor.handle({ messages: [model.message(model.entries[0]!)] });
  const restore = await snapshot(instance);
  await distributor.handle(await next(instance, model, [{ set: '/a', data: bytes('2') }], [{ create: '/e' }]));
  await restore();
  expect(await distributor.checkpoint()).toEqual({ sequence: 2 });
  await expectVisible(instance, model);
  expect(await told(instance)).toEqual([3, 5]);
});

test('data apart from its node is removed when nothing names it any more', async () => {
  await using instance = await testInstance(HYBRID);
  const model = await planted(instance);
  const distributor = instance.distributor();
  await distributor.handle({ messages: [model.message(model.entries[0]!)] });
  const left = instance.keys.data('/a', '1-00000000000000aa');
  await instance.outside.objects.put(left, bytes('left by one that was killed'));
  for (const text of ['second, and large', 'third, and large'])
    await distributor.handle(await next(instance, model, [{ set: '/a', data: bytes(text) }]));
  await distributor.checkpoint();
  const there: string[] = [];
  for await (const page of instance.outside.objects.list(`${instance.keys.public}d/`)) there.push(...page);
  expect(there).toHaveLength(1);
  expect(there).not.toContain(left);
  await expectVisible(instance, model);
});
