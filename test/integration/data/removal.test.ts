import { startFaaSKeeper } from '../../support/faaskeeper.ts';
import { connectTo, newSpec, openData } from './support.ts';

async function redisKeys(own: Awaited<ReturnType<typeof openData>>, id: string): Promise<number> {
  // Nothing was left if there is nothing to drop.
  return await own.stores.dropSystemStore(id);
}

async function streamNames(own: Awaited<ReturnType<typeof openData>>, id: string): Promise<string[]> {
  const manager = await own.stores.nats.jetstreamManager({ checkAPI: false });
  const names: string[] = [];
  for await (const name of manager.streams.names()) if (name.endsWith(`_${id}`)) names.push(name);
  return names;
}

test('purged, an instance leaves nothing in NATS, Redis and user storage; again is fine', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using own = await openData();
  const { spec } = faaskeeper;
  const client = await faaskeeper.connect();
  await Promise.all(Array.from({ length: 300 }, (_, i) => client.create(`/n${i}`, 'x')));
  await client.sync();
  expect(await own.data.status(spec.id)).toMatchObject({ nodes: 304, sessions: 1, zxid: client.zxid });
  expect((await own.keysBelow(spec.storagePrefix)).length).toBeGreaterThan(300);

  const cutShort = own.data.purge(spec, { signal: AbortSignal.abort() });
  await expect(cutShort).rejects.toThrow('abort');
  expect((await own.keysBelow(spec.storagePrefix)).length).toBeGreaterThan(300);
  await own.data.purge(spec);
  expect(await own.keysBelow(spec.storagePrefix)).toEqual([]);
  expect(await streamNames(own, spec.id)).toEqual([]);
  expect(await redisKeys(own, spec.id)).toBe(0);
  expect(await own.data.status(spec.id)).toBeUndefined();
  await own.data.purge(spec);
});

test('an instance that was never used can be purged and retained', async () => {
  await using own = await openData();
  const spec = await own.data.declare(newSpec());
  await expect(own.data.backup(spec)).rejects.toMatchObject({ reason: 'NothingCommitted' });
  await own.data.retain(spec);
  await own.data.retain(spec);
  await own.data.purge(spec);
  expect(await own.keysBelow(spec.storagePrefix)).toEqual([]);
});

test('retained, the tree stays in user storage as it was last committed, and a new instance takes it over', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using own = await openData();
  const { spec } = faaskeeper;
  const client = await faaskeeper.connect();
  await Promise.all(Array.from({ length: 50 }, (_, i) => client.create(`/n${i}`, `${i}`)));

  // Right after the acknowledgement: what is committed is not visible yet.
  await own.data.retain(spec);
  expect(await streamNames(own, spec.id)).toEqual([]);
  expect(await redisKeys(own, spec.id)).toBe(0);
  const next = newSpec();
  expect(await own.data.restore(next, { instance: spec.id })).toMatchObject({ from: 'retained' });
  await own.data.declare(next);
  await using heir = await connectTo(next);
  expect((await heir.getChildren('/')).length).toBe(51);
  expect(Buffer.from((await heir.getData('/n7')).data ?? '').toString()).toBe('7');
  await own.data.purge(next);
});
