import { CREATOR_ALL_ACL, OPEN_ACL_UNSAFE } from '@faaskeeper/client';
import { Redis } from 'ioredis';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { servers } from '../../support/servers.ts';

let faaskeeper: TestFaaSKeeper;
let redis: Redis;
beforeAll(async () => {
  faaskeeper = await startFaaSKeeper({ storage: 'hybrid' });
  redis = new Redis(servers().redisUrl);
});
afterAll(async () => {
  redis.disconnect();
  await faaskeeper.stop();
});

const THRESHOLD = 4_096;
const sized = (bytes: number, fill = 1) => new Uint8Array(bytes).fill(fill);

test('data around the threshold is read as it was written, whichever way it grows', async () => {
  await using client = await faaskeeper.connect({ cache: false });
  await using other = await faaskeeper.connect({ cache: false });
  await client.create('/sizes');
  for (const [i, bytes] of [0, THRESHOLD, THRESHOLD + 1, 1, 300_000, 200_000, 10].entries()) {
    const { mzxid } = await client.setData('/sizes', sized(bytes, i));
    for (const reader of [client, other]) {
      await reader.sync('/sizes');
      const { data, stat } = await reader.getData('/sizes');
      expect([data, stat.mzxid, stat.dataLength]).toEqual([sized(bytes, i), mzxid, bytes]);
    }
  }
});

test('a large node keeps its data when its children and its ACL change', async () => {
  await using client = await faaskeeper.connect({ cache: false });
  await client.addAuth('digest', 'me:secret');
  const data = sized(50_000, 7);
  await client.create('/large', data);
  await client.create('/large/a');
  expect((await client.getData('/large')).data).toEqual(data);
  await client.setACL('/large', CREATOR_ALL_ACL);
  expect((await client.getData('/large')).data).toEqual(data);
  await using stranger = await faaskeeper.connect({ cache: false });
  await stranger.sync('/large');
  await expect(stranger.getData('/large')).rejects.toMatchObject({ code: 'NoAuth' });
  await client.create('/large/b');
  expect((await client.getData('/large')).data).toEqual(data);
  expect(await client.getChildren('/large')).toEqual(['a', 'b']);
  await client.setACL('/large', OPEN_ACL_UNSAFE);
  await stranger.sync('/large');
  expect((await stranger.getData('/large')).data).toEqual(data);
  const below = await redis.keys(`fk:{${faaskeeper.spec.id}}:p:*`);
  for (const key of below) expect((await redis.getBuffer(key))?.includes('absent')).toBe(true);
});

test('many children, a multi and deletions are seen as they are', async () => {
  await using client = await faaskeeper.connect({ cache: false });
  await client.create('/many');
  const names = Array.from({ length: 1_500 }, (_, i) => `n${String(i).padStart(5, '0')}`);
  await Promise.all(names.map((name) => client.create(`/many/${name}`)));
  expect(await client.getChildren('/many')).toEqual(names);
  await client
    .transaction()
    .delete('/many/n00000')
    .create('/many/z', sized(THRESHOLD + 1))
    .setData('/many', sized(5_000))
    .commit();
  expect(await client.getChildren('/many')).toEqual([...names.slice(1), 'z']);
  expect((await client.getData('/many')).data).toEqual(sized(5_000));
  expect(await client.exists('/many/n00000')).toBeNull();
});

test('watches fire before the new data is seen, and the cache is exact', async () => {
  await using client = await faaskeeper.connect();
  await using other = await faaskeeper.connect();
  await client.create('/watched', 'a');
  await other.sync('/watched');
  const seen: string[] = [];
  await other.getData('/watched', { watch: (event) => void seen.push(event.type) });
  await client.setData('/watched', sized(THRESHOLD * 2));
  await client.setData('/watched', 'c');
  await other.sync('/watched');
  expect(Buffer.from((await other.getData('/watched')).data ?? []).toString()).toBe('c');
  expect(seen).toEqual(['NodeDataChanged']);
});
