import { declareStreams, type OpenStores } from '@faaskeeper/functions/stores';
import { describeLogContract } from '../../contracts/log.ts';
import { privateServers, servers, uniqueId } from '../../support/servers.ts';
import { eventually, openTestStores } from '../../support/stores.ts';

let one: OpenStores;
let two: OpenStores;
beforeAll(async () => {
  [one, two] = await Promise.all([openTestStores(servers()), openTestStores(servers())]);
});
afterAll(() => Promise.all([one.close(), two.close()]));

describeLogContract('JetStream', async () => {
  const spec = await declareStreams(one.nats, { id: uniqueId(), storagePrefix: 'unused/' });
  return { log: one.instance(spec).log, other: two.instance(spec).log };
});

test('while the server is down an append is unknown within its time; after its restart everything is there', async () => {
  await using own = await privateServers({ redis: false, s3: false });
  const stores = await openTestStores(own.addresses);
  const spec = await declareStreams(stores.nats, { id: uniqueId(), storagePrefix: 'unused/' });
  const { log } = stores.instance(spec);
  const payload = new Uint8Array([1, 2, 3]);
  expect(await log.append(payload, 0)).toEqual({ outcome: 'appended', sequence: 1 });
  own.nats.kill('SIGKILL');
  expect(await log.append(payload, 1)).toMatchObject({ outcome: 'unknown' });
  await own.nats.restart();
  await eventually(async () => (await log.bounds().catch(() => undefined)) !== undefined);
  // The append may have waited for the connection to come back.
  const { last } = await log.bounds();
  expect((await log.read(1, 10)).map(({ sequence }) => sequence)).toEqual(last === 1 ? [1] : [1, 2]);
  expect(await log.append(payload, last)).toEqual({ outcome: 'appended', sequence: last + 1 });
  await stores.close();
});

test('an instance that is not declared has no log: appends are unknown, reads fail', async () => {
  const spec = await declareStreams(one.nats, { id: uniqueId(), storagePrefix: 'unused/' });
  const { log } = one.instance({ ...spec, id: uniqueId() });
  expect(await log.append(new Uint8Array(1), 0)).toMatchObject({ outcome: 'unknown' });
  await expect(log.read(1, 1)).rejects.toThrow('stream not found');
});
