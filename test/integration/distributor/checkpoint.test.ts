import { Fold } from '../../../functions/core/checkpoint/fold.ts';
import { readManifest } from '../../../functions/core/checkpoint/index.ts';
import { Distributor } from '../../../functions/core/distributor/index.ts';
import { rollForward } from '../../../functions/core/roll-forward.ts';
import { at } from '../../../functions/core/tables.ts';
import { seeded, TreeModel } from '../../support/tree-model.ts';
import { expectVisible, type TestInstance, testInstance, watched } from './instance.ts';

async function grow(instance: TestInstance, model: TreeModel, random: () => number, entries: number): Promise<void> {
  const from = model.entries.length;
  for (let i = 0; i < entries; i++) model.randomEntry(random, 2);
  await model.append(instance.outside.log, from);
}

/** The applied state, by what a fold of all entries from the first says. */
async function expectApplied(instance: TestInstance, model: TreeModel): Promise<void> {
  const fold = new Fold();
  for (const entry of model.entries) fold.add(entry);
  const expected = fold.values().kept.map(({ mutation }) => mutation);
  const { values, state } = await instance.outside.system.read(expected);
  expect(state).toMatchObject({ applied: model.entries.length, zxid: model.zxid });
  const hex = (value: Uint8Array | null | undefined) => (value ? Buffer.from(value).toString('hex') : null);
  expect(values.map((value, i) => [expected[i]!.table, expected[i]!.key, hex(value)])).toEqual(
    expected.map(({ table, key, value }) => [table, key, hex(value)]),
  );
}

test('the system store rebuilt from checkpoints and LOG is the one that LOG alone makes', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(3);
  const distributor = instance.distributor();
  for (let round = 0; round < 12; round++) {
    await grow(instance, model, random, 15);
    await distributor.handle({ messages: [model.message(model.entries.at(-1)!)] });
    const { sequence } = await distributor.checkpoint();
    expect(sequence).toBe(model.entries.length);
    expect((await instance.outside.log.bounds()).first).toBe(sequence + 1);
  }
  const { manifest } = await readManifest(instance.outside.objects, instance.keys);
  expect(manifest.runs.length).toBeLessThanOrEqual(8);
  await grow(instance, model, random, 10);
  const old = (await instance.outside.system.read([])).state;
  await instance.outside.system.rebuild(old?.generation, { applied: 1, zxid: 0 }, nothing());
  expect(await rollForward(instance.outside, instance.spec)).toMatchObject({ applied: model.entries.length });
  await expectApplied(instance, model);
  const { values } = await instance.outside.system.read([at.data('/')]);
  expect(values).toEqual([null]);
});

async function* nothing(): AsyncGenerator<never> {}

test('only what checkpoints name stays in user storage', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(5);
  const distributor = instance.distributor();
  for (let round = 0; round < 6; round++) {
    await grow(instance, model, random, 10);
    await distributor.handle({ messages: [model.message(model.entries.at(-1)!)] });
    await distributor.checkpoint();
  }
  const { manifest } = await readManifest(instance.outside.objects, instance.keys);
  const named = [
    ...manifest.runs.flatMap(({ kept, data }) => [...kept, ...data].map(({ id }) => id)),
    ...manifest.tombstones.map(({ id }) => id),
  ];
  const there: string[] = [];
  for await (const page of instance.outside.objects.list(instance.keys.checkpointPart(''))) there.push(...page);
  expect(there.map((key) => key.slice(key.lastIndexOf('/') + 1)).sort()).toEqual(named.sort());
});

test('a checkpoint that dies anywhere is completed by the next one, and nothing is lost or counted twice', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(17);
  const { objects, log } = instance.outside;
  for (let allowed = 1; allowed <= 8; allowed++) {
    await grow(instance, model, random, 6);
    const distributor = instance.distributor();
    await distributor.handle({ messages: [model.message(model.entries.at(-1)!)] });
    await distributor.close();
    const { promise: dead, resolve: die } = Promise.withResolvers<void>();
    let steps = 0;
    const step = async () => {
      if (++steps <= allowed) return;
      die();
      await new Promise(() => undefined);
    };
    const dying = new Distributor(
      {
        ...instance.outside,
        log: {
          append: (...args) => log.append(...args),
          read: (...args) => log.read(...args),
          bounds: () => log.bounds(),
          async trim(sequence) {
            await step();
            await log.trim(sequence);
            await step();
          },
        },
        objects: {
          ...watched(objects, step),
          async delete(keys) {
            await step();
            await objects.delete(keys);
          },
        },
      },
      instance.spec,
    );
    await Promise.race([dying.checkpoint(), dead]);
    const { manifest } = await readManifest(objects, instance.keys);
    expect((await log.bounds()).first).toBeLessThanOrEqual(manifest.sequence + 1);
  }
  expect(await instance.distributor().checkpoint()).toEqual({ sequence: model.entries.length });
  const old = (await instance.outside.system.read([])).state;
  await instance.outside.system.rebuild(old?.generation, { applied: 1, zxid: 0 }, nothing());
  await rollForward(instance.outside, instance.spec);
  await expectApplied(instance, model);
  await expectVisible(instance, model);
});

test('two checkpointers at once, and one that is late: the checkpoint is exact and moves forward only', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(8);
  const [one, two] = [instance.distributor(), instance.distributor()];
  for (let round = 0; round < 4; round++) {
    await grow(instance, model, random, 10);
    await one.handle({ messages: [model.message(model.entries.at(-1)!)] });
    await one.close();
    await Promise.all([one.checkpoint(), two.checkpoint()]);
    const { manifest } = await readManifest(instance.outside.objects, instance.keys);
    expect(manifest).toMatchObject({ sequence: model.entries.length, zxid: model.zxid });
  }
  await rollForward(instance.outside, instance.spec);
  await expectApplied(instance, model);
});

test('a lost watermark: the checkpoint is distributed again, then LOG', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(21);
  const distributor = instance.distributor();
  await grow(instance, model, random, 30);
  await distributor.handle({ messages: [model.message(model.entries.at(-1)!)] });
  await distributor.checkpoint();
  await distributor.close();
  const lost = [...model.nodes.keys()].slice(0, 5);
  await instance.outside.objects.delete([
    instance.keys.watermark,
    ...lost.flatMap((path) => [instance.keys.node(path), instance.keys.protectedNode(path)]),
  ]);
  await grow(instance, model, random, 5);
  const next = instance.distributor();
  expect(await next.handle({ messages: [model.message(model.entries.at(-1)!)] })).toMatchObject({ sequence: 35 });
  await expectVisible(instance, model);
});
