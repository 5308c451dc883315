import type { Effect } from '../../../functions/core/log-entry.ts';
import { creation, type Session, Tree } from './tree.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const record = (path: string, name: string) => `/zookeeper/quota${path}/zookeeper_${name}`;

function started(enforceQuota = true): { tree: Tree; session: Session } {
  const tree = new Tree();
  Object.assign(tree.spec, { enforceQuota });
  return { tree, session: tree.open() };
}

/** As zkCli's setquota does it. */
function setQuota(session: Session, path: string, limits: string): void {
  const names = path.split('/').slice(1);
  for (let level = 1; level <= names.length; level++) {
    session.create(`/zookeeper/quota/${names.slice(0, level).join('/')}`, { data: null });
  }
  session.create(record(path, 'limits'), { data: bytes(limits) });
  session.create(record(path, 'stats'), { data: bytes('count=0,bytes=0') });
}

function stats(tree: Tree, path: string): string {
  const at = record(path, 'stats');
  const text = new TextDecoder().decode(tree.value('quota', at) ?? bytes('none'));
  expect(tree.value('node', at)?.dataLength).toBe(text.length);
  return text;
}

const set = (session: Session, path: string, data: Uint8Array | null, version = -1) =>
  session.do({ type: 'setData', path, data, version }).error;

test('a new quota counts what is there, also of its own batch, and then every change', () => {
  const { tree, session } = started();
  session.create('/a', { data: bytes('abc') });
  session.create('/ab', { data: bytes('not below') });
  setQuota(session, '/x', 'count=-1,bytes=-1');
  session.create('/zookeeper/quota/a', { data: null });
  tree.batch([
    session.message([
      { ...creation('/a/b'), data: bytes('de') },
      { type: 'delete', path: '/ab', version: -1 },
      { ...creation(record('/a', 'limits')), data: bytes('count=5') },
      { ...creation('/a/c'), data: bytes('f') },
      creation(record('/a', 'stats')),
      { ...creation('/a/d'), data: bytes('g') },
    ]),
  ]);
  expect(stats(tree, '/a')).toBe('count=4,bytes=7');
  set(session, '/a/d', bytes('1234'));
  expect(stats(tree, '/a')).toBe('count=4,bytes=10');
  session.do({ type: 'delete', path: '/a/b', version: -1 });
  expect(stats(tree, '/a')).toBe('count=3,bytes=8');
  expect(stats(tree, '/x')).toBe('count=0,bytes=0');
});

test('statistics change without a version, a transaction or a watch of their own', () => {
  const { tree, session } = started();
  setQuota(session, '/a', 'count=5');
  const before = tree.value('node', record('/a', 'stats'))!;
  session.create('/a', { data: bytes('abcdefghijkl') });
  const effect = tree.entries
    .at(-1)!
    .transactions[0]!.effects.find(
      (one): one is Effect & { type: 'put' } => one.type === 'put' && one.path === record('/a', 'stats'),
    );
  expect(effect).toMatchObject({ change: 'acl', meta: { ...before, dataLength: 16 }, data: bytes('count=1,bytes=12') });
});

test('ephemeral nodes leave the statistics with their session', () => {
  const { tree, session } = started();
  session.create('/a');
  setQuota(session, '/a', 'count=5');
  const other = tree.open();
  for (const name of ['x', 'y']) other.create(`/a/${name}`, { mode: 'EPHEMERAL' });
  expect(stats(tree, '/a')).toBe('count=3,bytes=3');
  tree.system({ type: 'expire', session: other.id, generation: 1 });
  expect(stats(tree, '/a')).toBe('count=1,bytes=1');
});

test('a hard limit refuses what adds, before a wrong version is noticed', () => {
  const { tree, session } = started();
  session.create('/a');
  setQuota(session, '/a', 'count=-1,bytes=-1=;byteHardLimit=4;countHardLimit=2');
  expect(session.create('/a/b').error).toBeUndefined();
  expect(session.create('/a/c').error).toBe('QuotaExceeded');
  expect(set(session, '/a/b', bytes('12345'))).toBe('QuotaExceeded');
  expect(set(session, '/a/b', bytes('12345'), 77)).toBe('QuotaExceeded');
  expect(set(session, '/a/b', bytes('123'))).toBeUndefined();
  expect(set(session, '/a/b', bytes('123'))).toBeUndefined();
  expect(stats(tree, '/a')).toBe('count=2,bytes=4');
});

test('soft limits refuse nothing, nor do hard ones unless they are enforced', () => {
  const { session } = started();
  setQuota(session, '/soft', 'count=0,bytes=0');
  expect(session.create('/soft').error).toBeUndefined();
  const { tree, session: free } = started(false);
  setQuota(free, '/a', 'countHardLimit=0');
  expect(free.create('/a').error).toBeUndefined();
  expect(stats(tree, '/a')).toBe('count=1,bytes=1');
});

test('of nested quotas the nearest counts', () => {
  const { tree, session } = started();
  session.create('/a');
  session.create('/a/b');
  setQuota(session, '/a', 'count=9');
  setQuota(session, '/a/b', 'countHardLimit=2');
  session.create('/a/b/c');
  expect([stats(tree, '/a'), stats(tree, '/a/b')]).toEqual(['count=2,bytes=2', 'count=2,bytes=2']);
  expect(session.create('/a/b/d').error).toBe('QuotaExceeded');
  session.do({ type: 'delete', path: record('/a/b', 'limits'), version: -1 });
  expect(session.create('/a/b/d').error).toBeUndefined();
  expect([stats(tree, '/a'), stats(tree, '/a/b')]).toEqual(['count=3,bytes=3', 'count=2,bytes=2']);
});

test('a multi counts as far as it went, and leaves nothing when it fails', () => {
  const { tree, session } = started();
  session.create('/a');
  setQuota(session, '/a', 'countHardLimit=2');
  const failed = session.do({ type: 'multi', operations: [creation('/a/b'), creation('/a/c')] });
  expect(failed).toMatchObject({ error: 'QuotaExceeded', result: ['Ok', 'QuotaExceeded'] });
  expect(stats(tree, '/a')).toBe('count=1,bytes=1');
  session.create('/a/b');
  const swap = [{ type: 'delete', path: '/a/b', version: -1 } as const, creation('/a/c')];
  expect(session.do({ type: 'multi', operations: swap }).error).toBeUndefined();
  expect(stats(tree, '/a')).toBe('count=2,bytes=2');
});

test('records that nobody can read: limits refuse, statistics stand still, and what else they say is kept', () => {
  const { tree, session } = started();
  setQuota(session, '/a', 'garbage');
  expect(session.create('/a').error).toBe('MarshallingError');
  Object.assign(tree.spec, { enforceQuota: false });
  set(session, record('/a', 'stats'), bytes('junk'));
  expect(session.create('/a').error).toBeUndefined();
  expect(stats(tree, '/a')).toBe('junk');
  set(session, record('/a', 'stats'), bytes('count=5,foo=3,bytes=7,byteHardLimit=8'));
  session.create('/a/b', { data: bytes('zz') });
  expect(stats(tree, '/a')).toBe('count=6,bytes=9=;byteHardLimit=8;foo=3');
});

test('quotas deeper than any tree is are found in few rounds of loading', () => {
  const { tree, session } = started();
  const path = '/d'.repeat(40);
  for (let level = 1; level <= 40; level++) session.create('/d'.repeat(level));
  setQuota(session, path, 'count=9');
  session.create(`${path}/e`);
  expect(stats(tree, path)).toBe('count=2,bytes=2');
});

test('the records count in the totals of the instance', () => {
  const { tree, session } = started();
  setQuota(session, '/a', 'count=9');
  for (let index = 0; index < 12; index++) session.create(index === 0 ? '/a' : `/a/${index}`);
  const rows = [...tree.tables.values()].filter(({ group }) => group === 'node ');
  const sum = rows.reduce((total, { key }) => total + tree.value('node', key)!.dataLength, 0);
  expect(tree.value('total', '')).toEqual([rows.length, sum, 1]);
});
