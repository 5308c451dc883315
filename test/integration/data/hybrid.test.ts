import { storageKeys } from '@faaskeeper/protocol';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';
import { servers } from '../../support/servers.ts';
import { connectTo, newSpec, openData } from './support.ts';

const HYBRID = { userStorage: { type: 'Hybrid' as const, thresholdBytes: 100 } };
const redis = () => ({ url: servers().redisUrl });

test('a tree goes from Hybrid user storage to another, and to S3, by backup and by retaining it', async () => {
  await using faaskeeper = await startFaaSKeeper({ storage: 'hybrid', instance: HYBRID });
  await using own = await openData();
  const { spec } = faaskeeper;
  const client = await faaskeeper.connect();
  const names = Array.from({ length: 40 }, (_, i) => `n${i}`.padStart(4, '0')).sort();
  await client.create('/dir');
  await Promise.all(names.map((name, i) => client.create(`/dir/${name}`, 'x'.repeat(i * 10))));
  const expectTree = async (heir: typeof client) => {
    expect(await heir.getChildren('/dir')).toEqual(names);
    for (const [i, name] of names.entries()) expect((await heir.getData(`/dir/${name}`)).data).toHaveLength(i * 10);
  };
  const place = own.place();
  await own.data.backup(spec, { place });
  const [first, second] = [{ ...newSpec(), ...HYBRID }, newSpec()];
  await own.data.restore(first, { instance: spec.id, place });
  await own.data.declare(first);
  await using inHybrid = await connectTo(first, { redis: redis() });
  await expectTree(inHybrid);

  await own.data.retain(first);
  expect(await own.stores.dropSystemStore(first.id)).toBe(0);
  await own.data.restore(second, { instance: first.id });
  await own.data.declare(second);
  await using inS3 = await connectTo(second);
  await expectTree(inS3);

  for (const each of [first, second]) await own.data.purge(each);
  for (const { storagePrefix } of [first, second]) expect(await own.keysBelow(storagePrefix)).toEqual([]);
  expect((await own.keysBelow(storageKeys(spec.storagePrefix).public)).length).toBeGreaterThan(0);
});

test('the type of an instance that is declared is refused another one; its threshold may change', async () => {
  await using own = await openData();
  const spec = newSpec();
  await own.data.declare(spec);
  await expect(own.data.declare({ ...spec, ...HYBRID })).rejects.toThrow(
    `The user storage of instance ${spec.id} is S3 and cannot become Hybrid`,
  );
  await own.data.purge(spec);
  const other = { ...newSpec(), ...HYBRID };
  await own.data.declare(other);
  await own.data.declare({ ...other, userStorage: { type: 'Hybrid', thresholdBytes: 5 } });
  await own.data.purge(other);
});
