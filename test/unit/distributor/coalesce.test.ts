import {
  changeMessageSchema,
  countDigest,
  decodeAs,
  decodeWatermarkEntries,
  feedDigest,
  LIMITS,
  OPEN_ACL_UNSAFE,
  protectedDigest,
  subjects,
} from '@faaskeeper/protocol';
import { coalesce, publicChanges } from '../../../functions/core/coalesce.ts';
import {
  changeMessages,
  systemMessages,
  systemWatermarkOf,
  watermarkOf,
} from '../../../functions/core/distributor/feed.ts';
import { genesis } from '../../../functions/core/transactions/genesis.ts';
import { PRIVATE_ACL, TreeModel } from '../../support/tree-model.ts';

const data = (...values: number[]) => new Uint8Array(values);

test('several changes of a node are one final state, with the last zxid and each change', () => {
  const model = new TreeModel();
  model.entry([{ create: '/a', data: data(1) }]);
  const nodes = coalesce([
    model.entry([{ set: '/a', data: data(2) }], [{ create: '/a/b' }]),
    model.entry([{ set: '/a', data: data(3) }]),
  ]);
  const a = nodes.get('/a')!;
  expect(a).toMatchObject({ zxid: 4, data: data(3), fresh: false, wasAbsent: false });
  expect(a.meta).toMatchObject({ version: 2, numChildren: 1, mzxid: 4, pzxid: 3 });
  expect([...a.children]).toEqual([['b', true]]);
  expect(a.changes.map(({ zxid, kind }) => `${zxid} ${kind}`)).toEqual(['2 data', '3 children', '4 data']);
});

test('a node deleted and made again is fresh: nothing of the old one is left', () => {
  const model = new TreeModel();
  model.entry([{ create: '/a', data: data(1) }], [{ create: '/a/old' }]);
  const nodes = coalesce([
    model.entry([{ remove: '/a/old' }, { remove: '/a' }, { create: '/a' }], [{ create: '/a/new' }]),
  ]);
  expect(nodes.get('/a')).toMatchObject({ fresh: true, wasAbsent: false, data: null });
  expect([...nodes.get('/a')!.children]).toEqual([['new', true]]);
  expect(nodes.get('/a/old')!.meta).toBeUndefined();
});

test("a node that was not everyone's for a moment counts as protected", () => {
  const model = new TreeModel();
  const nodes = coalesce([model.entry([{ create: '/a' }], [{ acl: '/a', to: PRIVATE_ACL }], [{ remove: '/a' }])]);
  expect(nodes.get('/a')).toMatchObject({ wasProtected: true, wasAbsent: true, meta: undefined });
  expect(publicChanges(nodes.get('/a')!, true).map(({ kind }) => kind)).toEqual(['created']);
});

test('changes are public where anyone could read the node before and after them', () => {
  const model = new TreeModel();
  model.entry([{ create: '/a' }], [{ create: '/s', acl: PRIVATE_ACL }]);
  const nodes = coalesce([
    model.entry([{ set: '/a', data: null }], [{ acl: '/a', to: PRIVATE_ACL }], [{ set: '/a', data: null }]),
    model.entry(
      [{ acl: '/a', to: OPEN_ACL_UNSAFE }],
      [{ set: '/a', data: null }],
      [{ remove: '/a' }],
      [{ remove: '/s' }],
    ),
  ]);
  expect(publicChanges(nodes.get('/a')!, true).map(({ zxid }) => zxid)).toEqual([3, 7, 8]);
  expect(publicChanges(nodes.get('/s')!, false)).toEqual([]);
});

test('the first entry of an instance needs no change of a parent', () => {
  const nodes = coalesce([genesis('g')]);
  expect([...nodes.get('/zookeeper')!.children.keys()]).toEqual(['config', 'quota']);
  expect([...nodes.values()].every(({ zxid, wasAbsent }) => zxid === 0 && wasAbsent)).toBe(true);
});

test('the watermark lists changed nodes, and subtrees only of what anyone may read', () => {
  const model = new TreeModel();
  const nodes = [...coalesce([model.entry([{ create: '/a' }, { create: '/a/s', acl: PRIVATE_ACL }])]).values()];
  const seen = nodes.map((node) => ({ node, changes: publicChanges(node, true) }));
  const { entries } = watermarkOf(seen, { zxid: 1, previous: 0 });
  const listed = decodeWatermarkEntries(entries!);
  expect(listed.get(feedDigest('/a/s'))).toBe(1);
  expect(listed.has(feedDigest('/a/s', true))).toBe(false);
  expect(listed.get(feedDigest('/a', true))).toBe(1);
  const messages = changeMessages(seen, subjects('i'));
  expect(messages.map(({ payload }) => decodeAs(changeMessageSchema, payload, 'change').path).sort()).toEqual([
    '/',
    '/a',
  ]);
});

test('what not everyone may hear is told to the system, with all changes of the node and who may hear', () => {
  const model = new TreeModel();
  model.entry([{ create: '/a' }, { create: '/a/s', acl: PRIVATE_ACL }]);
  const entry = model.entry(
    [{ set: '/a/s', data: null }],
    [{ acl: '/a/s', to: OPEN_ACL_UNSAFE }],
    [{ set: '/a/s', data: null }, { remove: '/a/s' }],
  );
  const seen = [...coalesce([entry]).values()].map((node) => ({
    node,
    changes: publicChanges(node, node.path !== '/a/s'),
  }));
  const told = systemMessages(seen, subjects('i'));
  expect(told.map(({ subject }) => subject)).toEqual(['fk.i.sys.c.a.s']);
  expect(decodeAs(changeMessageSchema, told[0]!.payload, 'change').changes).toEqual([
    { zxid: 2, index: 0, kind: 'data', acl: PRIVATE_ACL },
    { zxid: 3, index: 0, kind: 'acl' },
    { zxid: 4, index: 0, kind: 'data' },
    { zxid: 4, index: 1, kind: 'deleted' },
  ]);
  const range = { zxid: 4, previous: 1 };
  const forAll = decodeWatermarkEntries(watermarkOf(seen, range).entries!);
  const forSystem = decodeWatermarkEntries(systemWatermarkOf(seen, range)!.entries!);
  for (const [digest, zxid] of forAll) expect(forSystem.get(digest)).toBe(zxid);
  expect([forAll.get(countDigest('/a')), forAll.has(countDigest('/'))]).toEqual([undefined, false]);
  expect([forSystem.get(protectedDigest('/a/s')), forSystem.get(protectedDigest('/', true))]).toEqual([4, 2]);
  expect([forAll.has(protectedDigest('/a/s')), forAll.has(protectedDigest('/', true))]).toEqual([false, false]);
});

test('the deletion of a protected node is told with the ACL that it had', () => {
  const model = new TreeModel();
  model.entry([{ create: '/s', acl: PRIVATE_ACL }]);
  const nodes = [...coalesce([model.entry([{ remove: '/s' }])]).values()];
  const seen = nodes.map((node) => ({ node, changes: publicChanges(node, node.path !== '/s') }));
  const [message] = systemMessages(seen, subjects('i'));
  expect(decodeAs(changeMessageSchema, message!.payload, 'change').changes).toMatchObject([
    { kind: 'deleted', acl: PRIVATE_ACL },
  ]);
});

test('the deletion of a protected node is not for everyone, also where the node was never seen protected', () => {
  const model = new TreeModel();
  model.entry([{ create: '/s' }], [{ acl: '/s', to: PRIVATE_ACL }]);
  const nodes = coalesce([model.entry([{ remove: '/s' }])]);
  // Another distributor took the change of the ACL and the deletion as one.
  expect(publicChanges(nodes.get('/s')!, true)).toEqual([]);
});

test('where everyone may hear all, the watermark of the system is the same', () => {
  const model = new TreeModel();
  const nodes = [...coalesce([model.entry([{ create: '/a' }])]).values()];
  const seen = nodes.map((node) => ({ node, changes: publicChanges(node, true) }));
  expect(systemMessages(seen, subjects('i'))).toEqual([]);
  expect(systemWatermarkOf(seen, { zxid: 1, previous: 0 })).toBeUndefined();
});

test('where several nodes are told of below a path, the watermark lists how many', () => {
  const model = new TreeModel();
  model.entry([{ create: '/a' }, { create: '/a/b' }]);
  const entry = model.entry([
    { create: '/a/b/1' },
    { create: '/a/2' },
    { set: '/a/2', data: null },
    { create: '/a/s', acl: PRIVATE_ACL },
    { create: '/a/s/t', acl: PRIVATE_ACL },
  ]);
  const seen = [...coalesce([entry]).values()].map((node) => ({ node, changes: publicChanges(node, true) }));
  const listed = decodeWatermarkEntries(systemWatermarkOf(seen, { zxid: 2, previous: 1 })!.entries!);
  const counts = (isProtected: boolean) =>
    ['/', '/a', '/a/b', '/a/s'].map((path) => listed.get(countDigest(path, isProtected)));
  expect(counts(false)).toEqual([2, 2, undefined, undefined]);
  expect(counts(true)).toEqual([2, 2, undefined, 2]);
});

test('too many changes for a watermark: it says so', () => {
  const model = new TreeModel();
  const steps = Array.from({ length: LIMITS.watermarkEntries / 2 + 1 }, (_, i) => ({ create: `/n${i}` }));
  const seen = [...coalesce([model.entry(steps)]).values()].map((node) => ({ node, changes: node.changes }));
  expect(watermarkOf(seen, { zxid: 1, previous: 0 }).entries).toBeNull();
});

test('nodes whose path is too long for a subject are only in the watermark', () => {
  const model = new TreeModel();
  const long = `/${'x'.repeat(LIMITS.subjectBytes)}`;
  const seen = [...coalesce([model.entry([{ create: long }])]).values()].map((node) => ({
    node,
    changes: node.changes,
  }));
  expect(changeMessages(seen, subjects('i'))).toHaveLength(1);
  expect(decodeWatermarkEntries(watermarkOf(seen, { zxid: 1, previous: 0 }).entries!).has(feedDigest(long))).toBe(true);
});
