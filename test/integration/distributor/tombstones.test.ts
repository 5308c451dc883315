import type { Clock } from '../../../functions/core/ports.ts';
import { systemClock } from '../../../functions/stores/index.ts';
import { secondS3 } from '../../support/servers.ts';
import { TreeModel } from '../../support/tree-model.ts';
import { testInstance } from './instance.ts';

const HOUR_MS = 60 * 60_000;

test('where the store deletes conditionally, tombstones go after LOG is trimmed past them, and re-created nodes stay', async () => {
  await using store = await secondS3();
  await using instance = await testInstance({ s3: store.s3 });
  let ahead = 0;
  const clock: Clock = { now: () => Date.now() + ahead, sleep: (ms, signal) => systemClock.sleep(ms, signal) };
  const distributor = instance.distributor({ clock });
  const model = new TreeModel();
  model.entry([{ create: '/keep' }, { create: '/gone' }, { create: '/again' }]);
  model.entry([{ remove: '/gone' }, { remove: '/again' }]);
  await model.append(instance.outside.log);
  await distributor.handle({ messages: model.entries.map((entry) => model.message(entry)) });
  await distributor.checkpoint();
  expect((await instance.publicNode('/gone'))?.state).toBe('absent');
  ahead = HOUR_MS;
  model.entry([{ create: '/again' }]);
  await model.append(instance.outside.log, 2);
  await distributor.handle({ messages: [model.message(model.entries[2]!)] });
  await distributor.checkpoint();
  expect(await instance.publicNode('/gone')).toBeUndefined();
  expect((await instance.publicNode('/again'))?.state).toBe('node');
});
