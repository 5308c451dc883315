import { decodeWatermarkEntries, feedDigest } from '@faaskeeper/protocol';
import { BOUNDS } from '../../../functions/core/bounds.ts';
import { seeded, TreeModel } from '../../support/tree-model.ts';
import { expectVisible, testInstance } from './instance.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

test('what is committed becomes visible, and the watermark says so', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const first = model.entry([{ create: '/a', data: bytes('1') }], [{ create: '/a/b' }]);
  const second = model.entry([{ set: '/a', data: bytes('2') }], [{ remove: '/a/b' }], []);
  await model.append(instance.outside.log);
  const distributor = instance.distributor();
  const answer = await distributor.handle({ messages: [model.message(first), model.message(second)] });
  expect(answer).toEqual({ sequence: 2, watermark: 5, checkpointDue: false });
  await expectVisible(instance, model);
  await instance.outside.notifications.flush();
  expect(instance.watermarks.map(({ zxid, previous }) => [zxid, previous])).toEqual([[5, 0]]);
  const entries = decodeWatermarkEntries(instance.watermarks[0]!.entries!);
  expect(entries.get(feedDigest('/a'))).toBe(4);
  expect(entries.get(feedDigest('/a/b'))).toBe(4);
  expect(entries.get(feedDigest('/', true))).toBe(4);
});

test('only where nodes are written again and again, the next changes are asked to gather', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const created = model.entry(...['/a', '/b', '/c', '/d'].map((path) => [{ create: path }]));
  const once = model.entry([{ set: '/a', data: bytes('1') }], [{ set: '/b', data: bytes('1') }]);
  const hot = model.entry(...[1, 2, 3, 4].map((n) => [{ set: '/a', data: bytes(String(n)) }]));
  await model.append(instance.outside.log);
  const distributor = instance.distributor();
  const answers = [];
  for (const entry of [created, once, hot])
    answers.push(await distributor.handle({ messages: [model.message(entry)] }));
  expect(answers.map(({ gatherMs = 0 }) => gatherMs > 0)).toEqual([false, false, true]);
  expect(answers[2]!.gatherMs).toBeLessThanOrEqual(BOUNDS.gatherMs);
  await expectVisible(instance, model);
});

test('a tree of nothing but its root, at zxid 0, is distributed', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  model.entry();
  await model.append(instance.outside.log);
  const answer = await instance.distributor().handle({ messages: [model.message(model.entries[0]!)] });
  expect(answer).toMatchObject({ sequence: 1, watermark: 0 });
  await expectVisible(instance, model);
});

test('messages that come twice, out of order and in parallel to several distributors change nothing', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(11);
  for (let i = 0; i < 30; i++) model.randomEntry(random, 3);
  await model.append(instance.outside.log);
  const messages = model.entries.map((entry) => model.message(entry));
  const [one, two] = [instance.distributor(), instance.distributor()];
  await Promise.all([
    one.handle({ messages: messages.slice(0, 10) }),
    one.handle({ messages: messages.slice(0, 10) }),
    two.handle({ messages: messages.slice(15, 25) }),
    one.handle({ messages: messages.slice(20, 30).reverse() }),
    two.handle({ messages: messages.slice(5, 12) }),
  ]);
  expect(await two.handle({ messages: messages.slice(29) })).toMatchObject({ sequence: 30, watermark: model.zxid });
  await expectVisible(instance, model);
});

test('a new distributor reads what was never delivered from LOG', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  for (let i = 0; i < 40; i++) model.entry([{ create: `/n${i}` }]);
  await model.append(instance.outside.log);
  const messages = model.entries.map((entry) => model.message(entry));
  const before = instance.distributor();
  await before.handle({ messages: messages.slice(0, 5) });
  await before.close();
  expect(await instance.distributor().handle({ messages: messages.slice(-1) })).toMatchObject({ sequence: 40 });
  await expectVisible(instance, model);
});

test('random transactions in random batches show the tree that they make', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(42);
  const distributor = instance.distributor();
  for (let round = 0; round < 12; round++) {
    const from = model.entries.length;
    for (let i = 0; i < 4; i++) {
      model.randomEntry(random, 3);
    }
    await model.append(instance.outside.log, from);
    await distributor.handle({ messages: model.entries.slice(from).map((entry) => model.message(entry)) });
    await expectVisible(instance, model);
  }
});
