import { Distributor } from '../../../functions/core/distributor/index.ts';
import type { Clock, UserStorage } from '../../../functions/core/ports.ts';
import { systemClock } from '../../../functions/stores/index.ts';
import { seeded, TreeModel } from '../../support/tree-model.ts';
import { expectVisible, testInstance, watched } from './instance.ts';

const HOUR_MS = 3_600_000;

function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

test('a distributor that was stopped before its PUTs and resumes after another went past loses no child', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(101);
  for (let i = 0; i < 40; i++) model.randomEntry(random, 2);
  await model.append(instance.outside.log);
  const messages = model.entries.map((entry) => model.message(entry));
  const { opened, open } = gate();
  const stopped = gate();
  const zombie = instance.distributor({
    objects: watched(instance.outside.objects, async (key) => {
      if (!key.startsWith(instance.keys.public)) return;
      stopped.open();
      await opened;
    }),
  });
  const late = zombie.handle({ messages: messages.slice(0, 20) });
  await stopped.opened;
  const other = instance.distributor();
  await other.handle({ messages: messages.slice(20) });
  await other.close();
  await expectVisible(instance, model);
  open();
  await late;
  await expectVisible(instance, model);
  expect(await zombie.handle({ messages })).toMatchObject({ sequence: 40, watermark: model.zxid });
  await zombie.close();
  await expectVisible(instance, model);
  expect(await instance.distributor().handle({ messages: [] })).toMatchObject({ sequence: 40 });
});

test('a distributor that dies at any PUT leaves what the next one completes', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(77);
  let allowed = 1;
  for (let round = 0; round < 14; round++) {
    const from = model.entries.length;
    model.randomEntry(random, 4);
    model.randomEntry(random, 4);
    await model.append(instance.outside.log, from);
    const messages = model.entries.slice(from).map((entry) => model.message(entry));
    const dead = gate();
    let puts = 0;
    const afterwards = round % 2 === 0;
    const objects: UserStorage = {
      ...watched(instance.outside.objects, () => undefined),
      async put(key, body, condition) {
        const dies = ++puts > allowed;
        if (!dies || afterwards) {
          const result = await instance.outside.objects.put(key, body, condition);
          if (!dies) return result;
        }
        dead.open();
        return await new Promise(() => undefined);
      },
    };
    const dying = new Distributor({ ...instance.outside, objects }, instance.spec);
    await Promise.race([dying.handle({ messages }).then(() => dying.close()), dead.opened]);
    const next = instance.distributor();
    await next.handle({ messages: messages.slice(-1) });
    await next.close();
    await expectVisible(instance, model);
    allowed = (allowed % 7) + 1;
  }
});

test('no watermark is published before all that it covers is visible', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const random = seeded(9);
  const checks: Promise<void>[] = [];
  const { notifications } = instance.outside;
  const distributor = instance.distributor({
    notifications: {
      publish(subject, payload) {
        if (subject.endsWith('.out.w')) checks.push(expectVisible(instance, model));
        notifications.publish(subject, payload);
      },
      flush: () => notifications.flush(),
      subscribe: (subject, handler) => notifications.subscribe(subject, handler),
      store: (subject, payload, id) => notifications.store(subject, payload, id),
    },
  });
  for (let round = 0; round < 5; round++) {
    const from = model.entries.length;
    model.randomEntry(random, 10);
    await model.append(instance.outside.log, from);
    await distributor.handle({ messages: [model.message(model.entries[from]!)] });
    expect(checks).toHaveLength(round + 1);
    await Promise.all(checks);
  }
});

test('what was deleted and swept is not created again by redelivery, nor by one that slept meanwhile', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  model.entry([{ create: '/keep' }]);
  const born = model.entry([{ create: '/gone', data: new Uint8Array([1]) }]);
  model.entry([{ remove: '/gone' }]);
  await model.append(instance.outside.log);
  const messages = model.entries.map((entry) => model.message(entry));
  let ahead = 0;
  const clock: Clock = { now: () => Date.now() + ahead, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
  const sleeper = instance.distributor({ clock });
  await sleeper.handle({ messages: messages.slice(0, 1) });
  const other = instance.distributor({ clock });
  await other.handle({ messages });
  await other.checkpoint();
  expect((await instance.publicNode('/gone'))?.state).toBe('absent');
  ahead = HOUR_MS;
  model.entry([{ set: '/keep', data: null }]);
  await model.append(instance.outside.log, 3);
  await other.handle({ messages: [model.message(model.entries[3]!)] });
  await other.checkpoint();
  // Gone where the store deletes conditionally; here that does not matter: as a store that swept would have it.
  await instance.outside.objects.delete([instance.keys.node('/gone')]);
  await other.close();
  expect(await sleeper.handle({ messages: [model.message(born)] })).toMatchObject({ sequence: 4 });
  expect(await instance.distributor().handle({ messages })).toMatchObject({ sequence: 4 });
  expect(await instance.publicNode('/gone')).toBeUndefined();
  await expectVisible(instance, model);
});

test('a tombstone whose node was re-created is not swept', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  model.entry([{ create: '/a' }, { create: '/b' }], [{ remove: '/a' }, { remove: '/b' }]);
  await model.append(instance.outside.log);
  let ahead = 0;
  const clock: Clock = { now: () => Date.now() + ahead, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
  const deleted: string[] = [];
  const { objects } = instance.outside;
  const distributor = instance.distributor({
    clock,
    objects: {
      ...watched(objects, () => undefined),
      async deleteIf(key, etag) {
        deleted.push(key);
        return await objects.deleteIf(key, etag);
      },
    },
  });
  await distributor.handle({ messages: [model.message(model.entries[0]!)] });
  await distributor.checkpoint();
  model.entry([{ create: '/a' }]);
  await model.append(instance.outside.log, 1);
  await distributor.handle({ messages: [model.message(model.entries[1]!)] });
  await distributor.checkpoint();
  expect(deleted).toEqual([]);
  ahead = HOUR_MS;
  model.entry([{ set: '/a', data: null }]);
  await model.append(instance.outside.log, 2);
  await distributor.handle({ messages: [model.message(model.entries[2]!)] });
  await distributor.checkpoint();
  expect(deleted).toEqual([instance.keys.node('/b')]);
  await expectVisible(instance, model);
});
