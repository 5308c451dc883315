/** What the functions keep: the system store, the watermark, checkpoints. On functions of this file's own. */
import type { FaaSKeeper } from '@faaskeeper/client';
import { storageKeys } from '@faaskeeper/protocol';
import { readManifest } from '../../../functions/core/checkpoint/index.ts';
import type { Outside } from '../../../functions/core/ports.ts';
import { connectRedis, type OpenStores } from '../../../functions/stores/index.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { eventually, openTestStores } from '../../support/stores.ts';
import { counted, DAMAGES, damage, ofNewerRelease, text } from './damage.ts';

const CHECKPOINT_MESSAGES = 10;

let faaskeeper: TestFaaSKeeper;
let stores: OpenStores;
let redis: ReturnType<typeof connectRedis>;
let objects: Outside['objects'];
let log: Outside['log'];
let keys: ReturnType<typeof storageKeys>;
let client: FaaSKeeper;

beforeAll(async () => {
  faaskeeper = await startFaaSKeeper({ ownFunctions: true, instance: { checkpointMessages: CHECKPOINT_MESSAGES } });
  stores = await openTestStores(faaskeeper.servers);
  redis = connectRedis({ url: faaskeeper.servers.redisUrl, name: 'test' });
  ({ objects, log } = stores.instance(faaskeeper.spec));
  keys = storageKeys(faaskeeper.spec.storagePrefix);
  client = await faaskeeper.connect({ sessionTimeout: 20_000, requestTimeout: 100_000, cache: false });
}, 60_000);

afterAll(async () => {
  await faaskeeper?.stop();
  redis?.disconnect();
  await stores?.close();
}, 60_000);

const root = () => `fk:{${faaskeeper.spec.id}}:`;

async function restartWriter(): Promise<void> {
  await faaskeeper.processes!.writer.stop();
  await faaskeeper.processes!.writer.start();
}

/** Enough changes for a checkpoint to be due, each in a batch of its own; resolves when there is one that covers them. */
async function checkpointed(): Promise<number> {
  for (let i = 0; i <= CHECKPOINT_MESSAGES; i++) await client.setData('/often', String(i));
  const { last } = await log.bounds();
  await eventually(async () => {
    const manifest = await readManifest(objects, keys).catch(() => undefined);
    if ((manifest?.manifest.sequence ?? 0) >= last - CHECKPOINT_MESSAGES) return true;
    await client.setData('/often', 'again');
    return false;
  });
  return last;
}

/** All that can be seen, as the client created it. */
async function expectAll(): Promise<void> {
  expect((await client.getChildren('/')).sort()).toEqual(expect.arrayContaining(['kept', 'often', 'zookeeper']));
  const { data, stat } = await client.getData('/kept');
  expect([text(data), stat.version]).toEqual(['data', 0]);
  await expect(client.create('/kept')).rejects.toMatchObject({ code: 'NodeExists' });
  expect((await client.getEphemerals()).sort()).toEqual(['/live']);
}

test('there is something to damage', async () => {
  await client.create('/often', '');
  await client.create('/kept', 'data');
  await client.create('/live', null, { mode: 'EPHEMERAL' });
  await client.create('/timed', null, { mode: 'PERSISTENT_WITH_TTL', ttl: 10_000_000 });
  await client.register('/kept', 'data', 'http://127.0.0.1:9/none');
  await checkpointed();
  await expectAll();
});

test('a damaged value of any table of the system store: the store counts as wiped, and is rebuilt', async () => {
  const damaged: string[] = [];
  for (const table of ['node', 'session', 'progress', 'result', 'nonce', 'ephemeral', 'timed', 'registration']) {
    const generation = await redis.get(`${root()}gen`);
    const [key] = await redis.keys(`${root()}${generation}:t:${table}:*`);
    if (key === undefined) throw new Error(`There is no table ${table} in ${generation}`);
    for (const [field, value] of Object.entries(await redis.hgetallBuffer(key))) {
      // An atomic list keeps its last position there.
      if (field === '' && table !== 'total') continue;
      const at = value.length - 1;
      value[at] = (value[at] ?? 0) ^ 1;
      await redis.hset(key, field, value);
    }
    // What a writer knows it does not read again.
    await restartWriter();
    await client.setData('/often', table);
    await expectAll();
    await client.listRegistrations('/kept');
    if ((await redis.get(`${root()}gen`)) !== generation) damaged.push(table);
  }
  expect(damaged).toEqual(expect.arrayContaining(['node', 'session', 'ephemeral', 'registration']));
}, 120_000);

test('so is one whose state, or whose pointer to it, is damaged', async () => {
  const generation = await redis.get(`${root()}gen`);
  await redis.hset(`${root()}${generation}:state`, 'applied', '7');
  await restartWriter();
  await expectAll();
  await redis.set(`${root()}gen`, 'g0x0');
  await restartWriter();
  await expectAll();
  const labels = { instance: faaskeeper.spec.id, repair: 'system-store' };
  expect(await counted(faaskeeper.urls.writer, 'faaskeeper_repairs_total', labels)).toBe(1);
}, 60_000);

test.each([
  ['damaged', () => damage(objects, keys.watermark, DAMAGES['a flipped bit'])],
  ['lost', () => objects.delete([keys.watermark])],
])(
  'a watermark that is %s is found by distributing again',
  async (_, harm) => {
    await checkpointed();
    await faaskeeper.processes!.distributor.stop();
    await harm();
    await faaskeeper.processes!.distributor.start();
    await client.setData('/often', 'after');
    await client.sync('/often');
    await expectAll();
    expect(text((await client.getData('/often')).data)).toBe('after');
    const labels = { instance: faaskeeper.spec.id, repair: 'redistribution' };
    await eventually(
      async () => (await counted(faaskeeper.urls.distributor, 'faaskeeper_repairs_total', labels)) === 1,
    );
  },
  60_000,
);

const firstPart = async () => {
  const { manifest } = await readManifest(objects, keys);
  return keys.checkpointPart(manifest.runs[0]!.kept[0]!.id);
};

test.each([
  ['the pointer is damaged', () => damage(objects, keys.checkpoint, DAMAGES['a cut end'])],
  ['the pointer is lost', () => objects.delete([keys.checkpoint])],
  ['a part is lost', async () => objects.delete([await firstPart()])],
])(
  'a checkpoint of which %s is made anew from the applied state, and has everything',
  async (_, harm) => {
    await checkpointed();
    await faaskeeper.processes!.distributor.stop();
    await harm();
    await faaskeeper.processes!.distributor.start();
    await checkpointed();
    const labels = { instance: faaskeeper.spec.id, repair: 'checkpoint' };
    // The checkpoint can be seen a moment before it is counted.
    await eventually(
      async () => (await counted(faaskeeper.urls.distributor, 'faaskeeper_repairs_total', labels)) === 1,
    );
    // Now there is nothing else that could be rebuilt from.
    await stores.dropSystemStore(faaskeeper.spec.id);
    await restartWriter();
    await expectAll();
  },
  60_000,
);

test('a checkpoint of a newer release is refused, and never written over', async () => {
  await checkpointed();
  // No checkpoint may come in between.
  await faaskeeper.processes!.distributor.stop();
  const body = (await objects.get(keys.checkpoint))!.body;
  await objects.put(keys.checkpoint, ofNewerRelease());
  await stores.dropSystemStore(faaskeeper.spec.id);
  await restartWriter();
  const halted = new Promise<string | undefined>((resolve) => client.on('halted', resolve));
  const write = client.setData('/often', 'later');
  expect(await halted).toMatch(/newer|this release knows/);
  expect(Buffer.from((await objects.get(keys.checkpoint))!.body)).toEqual(Buffer.from(ofNewerRelease()));
  await objects.put(keys.checkpoint, body);
  await write;
  await faaskeeper.processes!.distributor.start();
  await expectAll();
}, 120_000);

test('where the checkpoint is damaged and the system store is gone, the instance stops and says why', async () => {
  await checkpointed();
  await faaskeeper.processes!.distributor.stop();
  const part = await firstPart();
  const { body } = (await objects.get(part))!;
  await damage(objects, part, DAMAGES['a flipped bit']);
  await stores.dropSystemStore(faaskeeper.spec.id);
  await restartWriter();
  const halted = new Promise<string | undefined>((resolve) => client.on('halted', resolve));
  const write = client.setData('/often', 'later');
  expect(await halted).toMatch(/Nothing can be rebuilt: .* is corrupt.*Restore a backup/);
  const isHalted = () =>
    counted(faaskeeper.urls.trigger, 'faaskeeper_instance_halted', { instance: faaskeeper.spec.id });
  expect(await isHalted()).toBe(1);
  // As an operator would bring it back.
  await objects.put(part, body);
  await write;
  // Told a moment after the writer's reply.
  await eventually(async () => (await isHalted()) === 0);
  await faaskeeper.processes!.distributor.start();
  await expectAll();
}, 120_000);
