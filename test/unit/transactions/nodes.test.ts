import { digestIdentity, type Stat } from '@faaskeeper/protocol';
import { creation, Tree } from './tree.ts';

const ALL = 31;
const bytes = (text: string) => new TextEncoder().encode(text);

function stat(reply: { result?: unknown }): Stat {
  const result = reply.result as Stat | { stat: Stat };
  return 'stat' in result ? result.stat : result;
}

test('a fresh tree is as DataTree builds it', () => {
  const tree = new Tree();
  expect(tree.value('node', '/')).toMatchObject({ created: 0, numChildren: 1, czxid: 0 });
  expect(tree.value('node', '/zookeeper')).toMatchObject({ numChildren: 2 });
});

test('create fills the Stat and changes the parent', () => {
  const tree = new Tree();
  const session = tree.open();
  const reply = session.create('/a');
  expect(reply).toMatchObject({ number: 1, zxid: 2, result: { path: '/a' } });
  expect(stat(reply)).toEqual({
    czxid: 2,
    mzxid: 2,
    pzxid: 2,
    ctime: 1_000,
    mtime: 1_000,
    version: 0,
    cversion: 0,
    aversion: 0,
    ephemeralOwner: 0,
    dataLength: 1,
    numChildren: 0,
  });
  expect(tree.value('node', '/')).toMatchObject({ created: 1, numChildren: 2, pzxid: 2 });
});

test.each([
  ['NodeExists', '/a', {}],
  ['NodeExists', '/', {}],
  ['NoNode', '/x/y', {}],
  ['NoNode', '/a//b', {}],
  ['BadArguments', 'a', {}],
  ['BadArguments', '/a/..', {}],
  ['NoChildrenForEphemerals', '/e/child', {}],
  ['InvalidAcl', '/b', { acl: [] }],
  ['InvalidAcl', '/b', { acl: [{ scheme: 'auth', id: '', permissions: ALL }] }],
  ['InvalidAcl', '/b', { acl: [{ scheme: 'nonsense', id: 'x', permissions: ALL }] }],
  ['InvalidAcl', '/b', { acl: [{ scheme: 'digest', id: 'nocolon', permissions: ALL }] }],
  ['BadArguments', '/b', { mode: 'PERSISTENT_WITH_TTL', ttl: 0 }],
  ['BadArguments', '/b', { data: new Uint8Array(1_048_577) }],
] as const)('create fails with %s for %s %p, takes a zxid and changes nothing', (error, path, extra) => {
  const tree = new Tree();
  const session = tree.open();
  session.create('/a');
  session.create('/e', { mode: 'EPHEMERAL' });
  const before = new Map([...tree.tables].filter(([key]) => key.startsWith('node')));
  const zxid = tree.zxid;
  const reply = session.create(path, extra as object);
  expect(reply.error).toBe(error);
  expect(reply.zxid).toBe(zxid + 1);
  expect(new Map([...tree.tables].filter(([key]) => key.startsWith('node')))).toEqual(before);
});

test('sequence numbers count all children ever created, deletes do not count', () => {
  const session = new Tree().open();
  session.create('/p');
  session.create('/p/plain');
  session.do({ type: 'delete', path: '/p/plain', version: -1 });
  expect(session.create('/p/s-', { mode: 'PERSISTENT_SEQUENTIAL' }).result).toMatchObject({ path: '/p/s-0000000001' });
  expect(session.create('/p/', { mode: 'EPHEMERAL_SEQUENTIAL' }).result).toMatchObject({ path: '/p/0000000002' });
  expect(session.create('/', { mode: 'PERSISTENT_SEQUENTIAL' }).result).toMatchObject({ path: '/0000000001' });
});

test('sequential creates of one batch need few rounds of loading and get distinct names', () => {
  const session = new Tree().open();
  session.create('/q');
  const { replies } = session.tree.batch([
    session.message(Array.from({ length: 200 }, () => ({ ...creation('/q/n-'), mode: 'PERSISTENT_SEQUENTIAL' }))),
  ]);
  expect(new Set(replies.map(({ reply }) => (reply.result as { path: string }).path)).size).toBe(200);
});

test('cversion counts creates and deletes', () => {
  const session = new Tree().open();
  session.create('/p');
  session.create('/p/a');
  session.create('/p/b');
  session.do({ type: 'delete', path: '/p/a', version: -1 });
  expect(stat(session.do({ type: 'setData', path: '/p', data: null, version: 0 }))).toMatchObject({
    cversion: 3,
    numChildren: 1,
    version: 1,
    dataLength: 0,
  });
});

test('versions are checked and -1 matches any', () => {
  const session = new Tree().open();
  session.create('/a');
  expect(session.do({ type: 'setData', path: '/a', data: null, version: 3 }).error).toBe('BadVersion');
  expect(session.do({ type: 'setData', path: '/a', data: null, version: 0 }).error).toBeUndefined();
  expect(session.do({ type: 'delete', path: '/a', version: 0 }).error).toBe('BadVersion');
  expect(session.do({ type: 'delete', path: '/a', version: -1 }).error).toBeUndefined();
  expect(session.do({ type: 'delete', path: '/a', version: -1 }).error).toBe('NoNode');
});

test('delete refuses special paths and nodes with children', () => {
  const session = new Tree().open();
  session.create('/p');
  session.create('/p/c');
  expect(session.do({ type: 'delete', path: '/p', version: -1 }).error).toBe('NotEmpty');
  for (const path of ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']) {
    expect(session.do({ type: 'delete', path, version: -1 }).error).toBe('BadArguments');
  }
});

test('a multi is all or nothing, with a code for each operation', () => {
  const tree = new Tree();
  const session = tree.open();
  session.create('/a');
  const failed = session.do({
    type: 'multi',
    operations: [
      { ...creation('/a/s-'), mode: 'PERSISTENT_SEQUENTIAL' },
      { type: 'delete', path: '/a', version: 9 },
      { type: 'check', path: '/a', version: 0 },
    ],
  });
  expect(failed).toMatchObject({ error: 'BadVersion', result: ['Ok', 'BadVersion', 'RuntimeInconsistency'] });
  const done = session.do({
    type: 'multi',
    operations: [
      { ...creation('/a/s-'), mode: 'PERSISTENT_SEQUENTIAL' },
      { type: 'setData', path: '/a/s-0000000000', data: bytes('x'), version: 0 },
      { type: 'check', path: '/a', version: 0 },
    ],
  });
  expect(done.error).toBeUndefined();
  expect(done.result).toMatchObject([
    { path: '/a/s-0000000000' },
    { stat: { version: 1, czxid: done.zxid } },
    { type: 'check' },
  ]);
  expect(session.do({ type: 'multi', operations: [] }).result).toEqual([]);
});

test('ACLs are enforced, auth becomes the caller, the super user may do all', () => {
  const tree = new Tree();
  const [owner, other] = [tree.open(), tree.open()];
  owner.do({ type: 'addAuth', scheme: 'digest', auth: bytes('me:secret') });
  owner.create('/mine', { acl: [{ scheme: 'auth', id: '', permissions: ALL }] });
  const id = digestIdentity('me:secret');
  expect(owner.do({ type: 'getACL', path: '/mine' }).result).toMatchObject({
    acl: [{ scheme: 'digest', id, permissions: ALL }],
  });
  expect(other.do({ type: 'setData', path: '/mine', data: null, version: -1 }).error).toBe('NoAuth');
  expect(other.do({ type: 'read', path: '/mine', what: 'exists' }).error).toBe('NoAuth');
  expect(other.create('/mine/child').error).toBe('NoAuth');
  expect(owner.do({ type: 'whoAmI' }).result).toEqual([{ scheme: 'digest', id }]);
  expect(other.do({ type: 'addAuth', scheme: 'ip', auth: bytes('127.0.0.1') }).error).toBe('AuthFailed');
  Object.assign(tree.spec, { superDigest: digestIdentity('super:admin') });
  expect(other.do({ type: 'addAuth', scheme: 'digest', auth: bytes('super:admin') }).result).toEqual([
    { scheme: 'digest', id: digestIdentity('super:admin') },
    { scheme: 'super', id: '' },
  ]);
  expect(other.do({ type: 'setData', path: '/mine', data: null, version: -1 }).error).toBeUndefined();
});

test('the record of a deletion says who could read the node, where not everyone could', () => {
  const tree = new Tree();
  const session = tree.open();
  const mine = [{ scheme: 'digest', id: 'u:hash', permissions: ALL }];
  session.create('/mine', { acl: mine });
  session.create('/open');
  for (const path of ['/mine', '/open']) session.do({ type: 'delete', path, version: -1 });
  const effects = tree.entries.flatMap(({ transactions }) => transactions.flatMap((one) => one.effects));
  const deletions = effects.filter((effect) => effect.type === 'delete');
  expect(deletions.map(({ path, acl }) => [path, acl])).toEqual([
    ['/mine', mine],
    ['/open', undefined],
  ]);
});

test('getACL hides digest hashes from those without ADMIN', () => {
  const tree = new Tree();
  const session = tree.open();
  session.create('/a', {
    acl: [
      { scheme: 'world', id: 'anyone', permissions: 1 },
      { scheme: 'digest', id: 'u:hash', permissions: ALL },
    ],
  });
  expect(session.do({ type: 'getACL', path: '/a' }).result).toMatchObject({ acl: [{ id: 'anyone' }, { id: 'u:x' }] });
});

test('check outside a multi is Unimplemented; a malformed operation is BadArguments, and a dead letter', () => {
  const session = new Tree().open();
  session.create('/a');
  expect(session.do({ type: 'check', path: '/a', version: 0 }).error).toBe('Unimplemented');
  const { replies, deadLetters } = session.tree.batch([session.message([{ type: 'nonsense' }])]);
  expect(replies[0]?.reply.error).toBe('BadArguments');
  expect(deadLetters).toHaveLength(1);
  expect(session.create('/b').error).toBeUndefined();
});
