import { frame } from '@faaskeeper/protocol';
import { readManifest } from '../../../functions/core/checkpoint/index.ts';
import { encodeLogPayload, type LogEntry } from '../../../functions/core/log-entry.ts';
import { writeEntryPart } from '../../../functions/core/log-parts.ts';
import type { Clock } from '../../../functions/core/ports.ts';
import { rollForward } from '../../../functions/core/roll-forward.ts';
import { seeded, TreeModel } from '../../support/tree-model.ts';
import { expectVisible, testInstance } from './instance.ts';

const impatient: Clock = { now: () => Date.now(), sleep: () => Promise.resolve() };

test('LOG behind the stored watermark: the distributor stops and says so', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const entry = model.entry([{ create: '/a' }]);
  await model.append(instance.outside.log);
  await instance.outside.objects.put(instance.keys.watermark, frame(1, { sequence: 100, zxid: 90 }));
  const distributor = instance.distributor({ clock: impatient });
  await expect(distributor.handle({ messages: [model.message(entry)] })).rejects.toThrow(
    /LOG ends at 1, but user storage says 100/,
  );
  await expect(distributor.handle({ messages: [model.message(entry)] })).rejects.toMatchObject({ code: 'Halted' });
});

test('LOG behind what the system store has applied: the roll-forward stops and says so', async () => {
  await using instance = await testInstance();
  await instance.outside.system.rebuild(undefined, { applied: 5, zxid: 5 }, (async function* () {})());
  const rolled = rollForward({ ...instance.outside, clock: impatient }, instance.spec);
  await expect(rolled).rejects.toMatchObject({ code: 'Halted' });
});

test('a LOG message that cannot be decoded stops the lane; it is never skipped', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  model.entry([{ create: '/a' }]);
  await model.append(instance.outside.log);
  await instance.outside.log.append(new Uint8Array([0xc1, 1, 2]), 1);
  const distributor = instance.distributor();
  const broken = { sequence: 2, payload: new Uint8Array([0xc1, 1, 2]) };
  await expect(distributor.handle({ messages: [broken] })).rejects.toMatchObject({ code: 'MarshallingError' });
  expect(await distributor.handle({ messages: [model.message(model.entries[0]!)] })).toMatchObject({ sequence: 1 });
});

test('a checkpoint and the trim of LOG go no further than the stored watermark', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(1);
  for (let i = 0; i < 20; i++) model.randomEntry(random, 1);
  await model.append(instance.outside.log);
  const messages = model.entries.map((entry) => model.message(entry));
  const distributor = instance.distributor();
  await distributor.handle({ messages: messages.slice(0, 10) });
  expect(await distributor.checkpoint()).toEqual({ sequence: 10 });
  expect(await instance.distributor().checkpoint()).toEqual({ sequence: 10 });
  expect(await instance.outside.log.bounds()).toEqual({ first: 11, last: 20 });
  await instance.distributor().handle({ messages: messages.slice(-1) });
  await expectVisible(instance, model);
});

test('an entry that is too large for a message is read from its part, which goes when LOG is trimmed', async () => {
  await using instance = await testInstance();
  const { objects, log, random } = instance.outside;
  const model = new TreeModel();
  const entry = model.entry([{ create: '/a' }]);
  const orphan = await writeEntryPart(objects, instance.keys, { entry, sequence: 1, random });
  const payload = await writeEntryPart(objects, instance.keys, { entry, sequence: 1, random });
  await log.append(encodeLogPayload(payload), 0);
  const future = await writeEntryPart(objects, instance.keys, { entry, sequence: 2, random });
  const distributor = instance.distributor();
  await distributor.handle({ messages: [{ sequence: 1, payload: encodeLogPayload(payload) }] });
  await expectVisible(instance, model);
  expect(await rollForward(instance.outside, instance.spec)).toMatchObject({ applied: 1, zxid: 1 });
  await distributor.checkpoint();
  const left = await Promise.all(
    [orphan, payload, future].map(
      async (p) => (await objects.get(instance.keys.logPart((p as { part: string }).part))) !== undefined,
    ),
  );
  expect(left).toEqual([false, false, true]);
});

test('an object that user storage lost is written anew, whole, with the next change of its node', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  model.entry([{ create: '/a', data: new Uint8Array([1]) }], [{ create: '/a/b' }]);
  await model.append(instance.outside.log);
  const distributor = instance.distributor({ clock: impatient });
  await distributor.handle({ messages: [model.message(model.entries[0]!)] });
  await distributor.close();
  await instance.outside.objects.delete([instance.keys.node('/a')]);
  const change = model.entry([{ create: '/a/c' }]);
  await model.append(instance.outside.log, 1);
  await instance.distributor({ clock: impatient }).handle({ messages: [model.message(change)] });
  await expectVisible(instance, model);
});

describe('a LOG message whose entry has an object of its own, which is damaged', () => {
  /** The entry in LOG, and the key of its object. */
  async function largeEntry(instance: Awaited<ReturnType<typeof testInstance>>, model: TreeModel) {
    const { objects, log, random } = instance.outside;
    const entry = model.entry([{ create: '/a', data: new Uint8Array([1]) }], [{ create: '/a/b' }]);
    const payload = await writeEntryPart(objects, instance.keys, { entry, sequence: 1, random });
    await log.append(encodeLogPayload(payload), 0);
    const key = instance.keys.logPart((payload as { part: string }).part);
    return { message: { sequence: 1, payload: encodeLogPayload(payload) }, key };
  }

  test('stops the instance, and says which, before it is visible', async () => {
    await using instance = await testInstance();
    const { message, key } = await largeEntry(instance, new TreeModel());
    await instance.outside.objects.put(key, new Uint8Array([1, 2, 3]));
    await expect(instance.distributor().handle({ messages: [message] })).rejects.toMatchObject({
      code: 'Halted',
      message: expect.stringContaining(key),
    });
    await instance.outside.objects.delete([key]);
    await expect(rollForward(instance.outside, instance.spec)).rejects.toMatchObject({ code: 'Halted' });
  });

  test('is not needed for a checkpoint once it is applied and visible', async () => {
    await using instance = await testInstance();
    const model = new TreeModel();
    const { message, key } = await largeEntry(instance, model);
    await rollForward(instance.outside, instance.spec);
    const distributor = instance.distributor();
    await distributor.handle({ messages: [message] });
    await instance.outside.objects.put(key, new Uint8Array([1, 2, 3]));
    expect(await distributor.checkpoint()).toEqual({ sequence: 1 });
    expect(await instance.outside.log.bounds()).toEqual({ first: 2, last: 1 });
    // From that checkpoint alone.
    await instance.outside.objects.delete([instance.keys.watermark, instance.keys.node('/a')]);
    await instance.distributor().handle({ messages: [] });
    await expectVisible(instance, model);
  });
});

test('a repair that nothing can give is told, and holds up nobody', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const faults: string[] = [];
  const incidents = { fault: (fault: string) => void faults.push(fault), repair: () => undefined };
  model.entry([{ create: '/a' }], [{ create: '/b' }]);
  await model.append(instance.outside.log);
  const distributor = instance.distributor({ incidents });
  await distributor.handle({ messages: [model.message(model.entries[0]!)] });
  await distributor.checkpoint();
  const { manifest } = await readManifest(instance.outside.objects, instance.keys);
  await instance.outside.objects.put(
    instance.keys.checkpointPart(manifest.runs[0]!.kept[0]!.id),
    new Uint8Array([1, 2, 3]),
  );
  const effects = [{ type: 'repair', path: '/a' } as const];
  const repair: LogEntry = {
    id: 'repair',
    time: 1,
    zxidBefore: model.zxid,
    zxid: model.zxid + 1,
    transactions: [{ zxid: model.zxid + 1, session: 0, number: 0, effects }],
    progress: [],
  };
  const payload = encodeLogPayload({ in: 'message', entry: repair });
  await instance.outside.log.append(payload, 1);
  expect(await distributor.handle({ messages: [{ sequence: 2, payload }] })).toMatchObject({ sequence: 2 });
  expect(faults).toEqual(['object-unrepairable']);
});
