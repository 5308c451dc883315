import { QuotaExceededError } from '@faaskeeper/client';
import { Writer } from '../../../functions/core/writer/index.ts';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';
import { TreeModel } from '../../support/tree-model.ts';
import { creation, WriterInstance } from '../writer/instance.ts';
import { openData } from './support.ts';

test('an instance refuses nodes, bytes and sessions beyond its limits, and its status counts them', async () => {
  await using faaskeeper = await startFaaSKeeper({ instance: { limits: { nodes: 6, bytes: 100, sessions: 1 } } });
  await using own = await openData();
  const client = await faaskeeper.connect();
  await client.create('/a', new Uint8Array(60));
  await expect(client.create('/b', new Uint8Array(41))).rejects.toThrow(QuotaExceededError);
  await client.create('/b', new Uint8Array(40));
  await expect(client.create('/c')).rejects.toThrow('a limit of the instance');
  await expect(faaskeeper.connect()).rejects.toThrow(QuotaExceededError);
  await client.sync();
  expect(await own.data.status(faaskeeper.spec.id)).toMatchObject({ nodes: 6, bytes: 100, sessions: 1 });
  await own.data.declare({ ...faaskeeper.spec, limits: { sessions: 2 } });
  // The writer hears of it a moment later than the registry.
  for (;;) {
    const refused = await client.create('/c').catch((error: unknown) => error);
    if (!(refused instanceof QuotaExceededError)) break;
  }
  await using second = await faaskeeper.connect();
  expect(await second.getChildren('/')).toEqual(['a', 'b', 'c', 'zookeeper']);
});

test('an instance from before it was counted is counted when it gets limits', async () => {
  await using instance = await WriterInstance.open();
  const model = new TreeModel();
  model.entry([{ create: '/old', data: new Uint8Array(7) }]);
  await model.append(instance.outside.log);
  await using own = await openData();
  const writer = new Writer(instance.outside, { ...instance.spec, limits: { nodes: 3 } });
  const session = await instance.session(writer);
  const replies = await session.do(writer, creation('/new'), creation('/too-many'));
  expect(replies.map(({ error }) => error)).toEqual([undefined, 'QuotaExceeded']);
  await writer.close();
  expect(await own.data.status(instance.spec.id)).toMatchObject({ nodes: 3, bytes: 7, sessions: 1 });
});
