import {
  connectS3,
  type OpenStores,
  openStores,
  probeUserStorage,
  UnsuitableStoreError,
} from '@faaskeeper/functions/stores';
import { describeUserStorageContract } from '../../contracts/user-storage.ts';
import { secondS3, servers, uniqueId } from '../../support/servers.ts';
import { storesConfigOf } from '../../support/stores.ts';
import { lyingStore } from './lying-store.ts';

type S3 = Parameters<typeof connectS3>[0];
const second: { s3?: S3; stop?: () => Promise<void> } = {};
const opened: OpenStores[] = [];
beforeAll(async () => {
  Object.assign(second, await secondS3('seaweedfs'));
});
afterAll(async () => {
  await Promise.all(opened.map((stores) => stores.close()));
  await second.stop?.();
});

const STORES: [name: string, s3: () => S3][] = [
  ['MinIO', () => servers().s3],
  ['SeaweedFS', () => second.s3!],
];

for (const [name, s3] of STORES) {
  describeUserStorageContract(name, async () => {
    const prefix = `${uniqueId()}/`;
    const stores = await openStores({ ...storesConfigOf(servers()), s3: s3() });
    opened.push(stores);
    const spec = { id: uniqueId(), storagePrefix: prefix, userStorage: { type: 'S3' } } as Parameters<
      OpenStores['instance']
    >[0];
    return { storage: stores.instance(spec).objects, prefix };
  });
}

describe('the probe', () => {
  test.each(STORES)('finds %s suitable and leaves nothing behind', async (_name, s3) => {
    const client = connectS3(s3());
    const report = await probeUserStorage(client, 'probe-test/');
    expect(report).toMatchObject({ conditionalPut: true, readAfterWrite: true, missingKey: 'not found' });
    client.destroy();
  });

  test('tells apart how stores delete', async () => {
    const [minio, seaweedfs] = await Promise.all(
      STORES.map(async ([, s3]) => {
        const client = connectS3(s3());
        const { conditionalDelete } = await probeUserStorage(client, 'probe-test/');
        client.destroy();
        return conditionalDelete;
      }),
    );
    expect([minio, seaweedfs]).toEqual(['none', 'if-match']);
  });

  test('refuses a store that ignores conditions, and says what to do', async () => {
    await using store = await lyingStore();
    const client = connectS3({ ...servers().s3, endpoint: store.endpoint, bucket: 'bucket' });
    const probed = probeUserStorage(client, '');
    await expect(probed).rejects.toThrow(UnsuitableStoreError);
    await expect(probed).rejects.toThrow(/stale If-Match is answered with 200.*Use a store with conditional writes/s);
    client.destroy();
  });
});

describe('a store that does not answer', () => {
  test('a conditional write is tried once and its outcome left open; a read is tried again', async () => {
    await using store = await lyingStore();
    const stores = await openStores({
      ...storesConfigOf(servers()),
      s3: { ...servers().s3, endpoint: store.endpoint },
    });
    opened.push(stores);
    const { objects } = stores.instance({
      id: uniqueId(),
      storagePrefix: 'x/',
      userStorage: { type: 'S3' },
    } as Parameters<OpenStores['instance']>[0]);
    store.failures = 1;
    await expect(objects.put('x/a', new Uint8Array(3), { absent: true })).rejects.toThrow();
    expect(store.requests).toEqual(['PUT']);
    await objects.put('x/a', new Uint8Array(3));
    store.failures = 2;
    store.requests.length = 0;
    expect((await objects.get('x/a'))?.body).toHaveLength(3);
    expect(store.requests).toEqual(['GET', 'GET', 'GET']);
  });
});
