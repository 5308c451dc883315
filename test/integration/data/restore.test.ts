import { type FaaSKeeper, type MultiOp, NoAuthError, SessionExpiredError } from '@faaskeeper/client';
import {
  CREATOR_ALL_ACL,
  instanceSpecSchema,
  isWorldReadable,
  nodeName,
  OPEN_ACL_UNSAFE,
  parentPath,
  pathDigest,
  READ_ACL_UNSAFE,
  validate,
} from '@faaskeeper/protocol';
import { readManifest } from '../../../functions/core/checkpoint/index.ts';
import type { Outside } from '../../../functions/core/ports.ts';
import { declareStreams } from '../../../functions/stores/index.ts';
import { treeOfCheckpoint } from '../../../operator/data/backup/index.ts';
import { distributeSeed, seedCheckpoint } from '../../../operator/data/restore.ts';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';
import { privateServers } from '../../support/servers.ts';
import { eventually, openTestStores } from '../../support/stores.ts';
import {
  connectTo,
  inSlices,
  newSpec,
  nodesOf,
  openData,
  storageKeys,
  visibleNode,
  type WholeNode,
} from './support.ts';

const NODES = 1_500;
const EPOCH = 2 ** 32;

const creation = (path: string, data: Uint8Array | string | null = null, rest: Partial<Creation> = {}): Creation => ({
  type: 'create',
  path,
  data,
  ...rest,
});
type Creation = Extract<MultiOp, { type: 'create' }>;

/** Nodes of every kind, with every kind of ACL and data, with a past of changes and deletions. */
async function plant(client: FaaSKeeper): Promise<void> {
  await client.addAuth('digest', 'alice:secret');
  await client.multi(['/many', '/dir', '/gone'].map((path) => creation(path)));
  const acls = [OPEN_ACL_UNSAFE, READ_ACL_UNSAFE, CREATOR_ALL_ACL];
  const numbers = Array.from({ length: NODES }, (_, i) => i);
  for (let from = 0; from < NODES; from += 300) {
    const slice = numbers.slice(from, from + 300);
    await client.multi(
      slice.map((n) =>
        creation(`${n % 4 === 0 ? '/dir' : '/many'}/n${n}`, n % 10 === 0 ? null : `data ${n}`, { acl: acls[n % 3]! }),
      ),
    );
  }
  const some = numbers.filter((n) => n % 12 === 0).slice(0, 100);
  await client.multi(some.map((n) => creation(`/dir/n${n}/below`, new Uint8Array(n))));
  await client.multi(some.map((n) => ({ type: 'setData', path: `/many/n${n + 3}`, data: `changed ${n}` })));
  await client.multi(some.map((n) => ({ type: 'delete', path: `/many/n${n + 2}` })));
  await client.setACL('/many/n3', READ_ACL_UNSAFE);
  await client.create('/large', new Uint8Array(1_048_576).fill(7));
  await client.create('/empty', new Uint8Array(0));
  await client.create('/container', null, { mode: 'CONTAINER' });
  await client.create('/container/child');
  await client.create('/ttl', 'x', { mode: 'PERSISTENT_WITH_TTL', ttl: 3_600_000 });
  for (let i = 0; i < 3; i++) await client.create('/gone/queue-', null, { mode: 'PERSISTENT_SEQUENTIAL' });
  for (let i = 0; i < 5; i++) await client.create(`/gone/e${i}`, 'x', { mode: 'EPHEMERAL' });
}

test('a restored tree is the one that was backed up, without its sessions, and goes on from there', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using own = await openData();
  const place = own.place();
  const client = await faaskeeper.connect();
  await plant(client);
  const registration = await client.register('/dir', 'children', 'http://127.0.0.1:1/sink');
  const backup = await own.data.backup(faaskeeper.spec, { place });
  const source = own.outside(faaskeeper.spec);
  const sourceKeys = storageKeys(faaskeeper.spec.storagePrefix);
  const { manifest } = await readManifest(source.objects, sourceKeys);
  const expected = await nodesOf(treeOfCheckpoint(source.objects, sourceKeys, manifest));
  expect(backup).toMatchObject({ nodes: expected.size, ephemerals: 5, registrations: 1 });
  expect(expected.size).toBeGreaterThan(NODES);

  const spec = validate(instanceSpecSchema, newSpec(), 'spec');
  const from = { instance: faaskeeper.spec.id, place };
  expect(await own.data.restore(spec, from)).toEqual({ from: backup.name, zxid: EPOCH });
  expect(await own.data.restore(spec, from)).toEqual({ from: undefined, zxid: EPOCH });

  for (let i = 0; i < 5; i++) expected.delete(`/gone/e${i}`);
  const { meta, data } = expected.get('/gone') as WholeNode;
  expected.set('/gone', { meta: { ...meta, numChildren: 3, pzxid: EPOCH }, data });
  const children = new Map<string, string[]>();
  for (const path of expected.keys()) {
    if (path !== '/') children.set(parentPath(path), [...(children.get(parentPath(path)) ?? []), nodeName(path)]);
  }
  const heirs = own.outside(spec);
  await inSlices([...expected], 64, async ([path, node]) => {
    const names = (children.get(path) ?? []).sort();
    const isProtected = !isWorldReadable(node.meta.acl);
    expect({ path, ...(await visibleNode(heirs, storageKeys(spec.storagePrefix), path)) }).toEqual({
      path,
      isProtected,
      ...node,
      names,
    });
  });
  const shown = await own.keysBelow(storageKeys(spec.storagePrefix).node('/').slice(0, -pathDigest('/').length));
  expect(shown.length).toBe(expected.size);

  await own.data.declare(spec);
  await using heir = await connectTo(spec);
  expect(await heir.create('/gone/queue-', null, { mode: 'PERSISTENT_SEQUENTIAL' })).toBe('/gone/queue-0000000008');
  expect((await heir.create2('/new')).stat.czxid).toBeGreaterThan(EPOCH);
  expect((await heir.getData('/large')).data?.length).toBe(1_048_576);
  expect(await heir.setData('/large', 'small')).toMatchObject({ version: 1 });
  await expect(heir.getData('/many/n5')).rejects.toThrow(NoAuthError);
  await heir.addAuth('digest', 'alice:secret');
  expect(await heir.getACL('/many/n5')).toMatchObject({ acl: expected.get('/many/n5')?.meta.acl });
  expect(await heir.listRegistrations('/dir')).toEqual([registration]);
  const session = { id: client.sessionId, password: client.sessionPassword };
  await expect(connectTo(spec, { session })).rejects.toThrow(SessionExpiredError);
  await own.data.purge(spec);
  // Thousands of objects, three times.
}, 180_000);

test('a restore that is killed at any of its writes is completed by the next one', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using own = await openData();
  const client = await faaskeeper.connect();
  await Promise.all(Array.from({ length: 30 }, (_, i) => client.create(`/n${i}`, `${i}`)));
  await own.data.backup(faaskeeper.spec, { place: own.place() });
  const source = own.outside(faaskeeper.spec);
  const sourceKeys = storageKeys(faaskeeper.spec.storagePrefix);
  const { manifest } = await readManifest(source.objects, sourceKeys);
  const spec = validate(instanceSpecSchema, newSpec(), 'spec');
  const whole = own.outside(spec);
  for (let allowed = 0; ; allowed = allowed < 6 ? allowed + 1 : allowed * 2) {
    const { promise: dead, resolve: die } = Promise.withResolvers<'dead'>();
    let puts = 0;
    const outside: Outside = {
      ...whole,
      objects: {
        get: (key) => whole.objects.get(key),
        async put(key, body, condition) {
          if (++puts > allowed) {
            die('dead');
            return await new Promise(() => undefined);
          }
          return await whole.objects.put(key, body, condition);
        },
        delete: (keys) => whole.objects.delete(keys),
        deleteIf: (key, etag) => whole.objects.deleteIf(key, etag),
        list: (prefix) => whole.objects.list(prefix),
      },
    };
    const attempt = async () => {
      const seed = await seedCheckpoint(outside, spec, async () =>
        treeOfCheckpoint(source.objects, sourceKeys, manifest),
      );
      await declareStreams(own.stores.nats, spec, { logFirst: seed.sequence + 1 });
      await distributeSeed(outside, spec, seed);
      return 'done' as const;
    };
    if ((await Promise.race([attempt(), dead])) === 'done') break;
  }
  await own.data.declare(spec);
  await using heir = await connectTo(spec);
  expect((await heir.getChildren('/')).length).toBe(31);
  await heir.create('/after');
  await own.data.purge(spec);
});

test('an instance that is in use is not restored into', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using own = await openData();
  const place = own.place();
  await (await faaskeeper.connect()).create('/a');
  await own.data.backup(faaskeeper.spec, { place });
  const spec = await own.data.declare(newSpec());
  const restoring = own.data.restore(spec, { instance: faaskeeper.spec.id, place });
  await expect(restoring).rejects.toMatchObject({ reason: 'LogInTheWay' });
  await own.data.purge(spec);
});

test('the LOG of a restored instance begins behind its tree, also after a restart of the server before the first write', async () => {
  await using own = await privateServers({ redis: false, s3: false });
  const stores = await openTestStores(own.addresses);
  const spec = await declareStreams(stores.nats, newSpec(), { logFirst: 1_001 });
  const { log } = stores.instance(spec);
  expect(await log.bounds()).toEqual({ first: 1_001, last: 1_000 });
  await declareStreams(stores.nats, spec);
  expect(await log.append(new Uint8Array(3), 0)).toMatchObject({ outcome: 'refused' });
  own.nats.kill('SIGKILL');
  await own.nats.restart();
  await eventually(() =>
    log.bounds().then(
      ({ last }) => last === 1_000,
      () => false,
    ),
  );
  expect(await log.append(new Uint8Array(3), 1_000)).toEqual({ outcome: 'appended', sequence: 1_001 });
  await stores.close();
});
