import { declareInstance, type InstanceChange, type OpenStores, removeInstance } from '@faaskeeper/functions/stores';
import { subjects } from '@faaskeeper/protocol';
import { privateServers, servers, uniqueId } from '../../support/servers.ts';
import { eventually, openTestStores } from '../../support/stores.ts';

let one: OpenStores;
let two: OpenStores;
beforeAll(async () => {
  [one, two] = await Promise.all([openTestStores(servers()), openTestStores(servers())]);
});
afterAll(() => Promise.all([one.close(), two.close()]));

test('an instance that one program declares is known to another, with its defaults', async () => {
  const id = uniqueId();
  expect(await two.instanceSpec(id)).toBeUndefined();
  const spec = await declareInstance(one.nats, { id, storagePrefix: 'p/' });
  expect(spec).toMatchObject({ id, logReplicas: 1 });
  expect(await two.instanceSpec(id)).toEqual(spec);
  expect(await two.instanceSpec('not an id')).toBeUndefined();
});

test('declaring again changes the spec everywhere and keeps the log', async () => {
  const id = uniqueId();
  const spec = await declareInstance(one.nats, { id, storagePrefix: 'p/' });
  await one.instance(spec).log.append(new Uint8Array(3), 0);
  expect(await two.instanceSpec(id)).toMatchObject({ checkpointMessages: 10_000 });
  await declareInstance(one.nats, { id, storagePrefix: 'p/', checkpointMessages: 5 });
  await eventually(async () => (await two.instanceSpec(id))?.checkpointMessages === 5);
  expect(await one.instance(spec).log.bounds()).toEqual({ first: 1, last: 1 });
});

test('a watcher hears of instances from before, of new ones and of removed ones', async () => {
  const [before, after] = [uniqueId(), uniqueId()];
  await declareInstance(one.nats, { id: before, storagePrefix: 'p/' });
  const changes: InstanceChange[] = [];
  const watch = two.watchInstances((change) => changes.push(change));
  const declared = (id: string) => changes.some((change) => change.type === 'declared' && change.spec.id === id);
  await eventually(() => declared(before));
  await declareInstance(one.nats, { id: after, storagePrefix: 'p/' });
  await eventually(() => declared(after));
  await removeInstance(one.nats, after);
  await eventually(() => changes.some((change) => change.type === 'removed' && change.id === after));
  expect(await two.instanceSpec(after)).toBeUndefined();
  watch.close();
});

test('a spec that is not valid is refused before anything is made', async () => {
  await expect(declareInstance(one.nats, { id: 'Not-Valid', storagePrefix: 'p/' })).rejects.toThrow('not valid at id');
});

test('requests get no acknowledgement of the stream, and only the log has no bound', async () => {
  const spec = await declareInstance(one.nats, { id: uniqueId(), storagePrefix: 'p/' });
  const manager = await one.nats.jetstreamManager({ checkAPI: false });
  const { request, log } = subjects(spec.id).streams;
  expect((await manager.streams.info(request)).config).toMatchObject({
    no_ack: true,
    storage: 'memory',
    retention: 'workqueue',
    discard: 'new',
    max_age: 60_000_000_000,
  });
  expect((await manager.streams.info(log)).config).toMatchObject({ storage: 'file', allow_direct: false, max_age: 0 });
  await expect(one.nats.request(subjects(spec.id).request(1), '', { timeout: 300 })).rejects.toThrow();
});

test('a watcher goes on after a restart of the server', async () => {
  await using own = await privateServers({ redis: false, s3: false });
  const stores = await openTestStores(own.addresses);
  const seen = new Set<string>();
  stores.watchInstances((change) => {
    if (change.type === 'declared') seen.add(change.spec.id);
  });
  const [before, after] = [uniqueId(), uniqueId()];
  await declareInstance(stores.nats, { id: before, storagePrefix: 'p/' });
  await eventually(() => seen.has(before));
  own.nats.kill('SIGKILL');
  await own.nats.restart();
  await eventually(() =>
    declareInstance(stores.nats, { id: after, storagePrefix: 'p/' }).then(
      () => true,
      () => false,
    ),
  );
  await eventually(() => seen.has(after));
  expect(await stores.instanceSpec(before)).toMatchObject({ id: before });
  await stores.close();
});
