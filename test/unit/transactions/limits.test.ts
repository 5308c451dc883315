import { creation, Tree } from './tree.ts';

function limited(limits: { nodes?: number; bytes?: number; sessions?: number }): Tree {
  const tree = new Tree();
  Object.assign(tree.spec, { limits });
  return tree;
}

test('every entry says what the instance holds after it', () => {
  const tree = new Tree();
  const session = tree.open();
  session.create('/a', { data: new Uint8Array(10) });
  session.create('/e', { mode: 'EPHEMERAL', data: new Uint8Array(3) });
  session.do({ type: 'setData', path: '/a', data: new Uint8Array(4), version: -1 });
  session.do({ type: 'setData', path: '/missing', data: new Uint8Array(4), version: -1 });
  expect(tree.value('total', '')).toEqual([6, 7, 1]);
  session.do({ type: 'sync', path: '/' });
  expect(tree.entries.at(-1)?.totals).toEqual([6, 7, 1]);
  tree.system({ type: 'expire', session: session.id, generation: 1 });
  expect(tree.value('total', '')).toEqual([5, 4, 0]);
});

test('a node too many is refused, and there is room again after a deletion', () => {
  const tree = limited({ nodes: 6 });
  const session = tree.open();
  session.create('/a');
  session.create('/b');
  expect(session.create('/c')).toMatchObject({ error: 'QuotaExceeded' });
  session.do({ type: 'delete', path: '/a', version: -1 });
  expect(session.create('/c').error).toBeUndefined();
});

test('bytes count on create and setData; what is too large already may shrink', () => {
  const tree = limited({ bytes: 10 });
  const session = tree.open();
  session.create('/a', { data: new Uint8Array(8) });
  expect(session.create('/b', { data: new Uint8Array(3) })).toMatchObject({ error: 'QuotaExceeded' });
  const set = (size: number) =>
    session.do({ type: 'setData', path: '/a', data: new Uint8Array(size), version: -1 }).error;
  expect(set(11)).toBe('QuotaExceeded');
  expect(set(10)).toBeUndefined();
  Object.assign(tree.spec, { limits: { bytes: 4 } });
  expect(set(9)).toBeUndefined();
  expect(set(10)).toBe('QuotaExceeded');
});

test('a multi that goes beyond a limit does nothing, and says which operation did', () => {
  const tree = limited({ nodes: 5 });
  const session = tree.open();
  const reply = session.do({ type: 'multi', operations: [creation('/a'), creation('/b'), creation('/c')] });
  expect(reply).toMatchObject({
    error: 'QuotaExceeded',
    result: ['Ok', 'QuotaExceeded', 'RuntimeInconsistency'],
  });
  expect(tree.value('total', '')).toEqual([4, 0, 1]);
  const swap = session.do({
    type: 'multi',
    operations: [creation('/a'), { type: 'delete', path: '/a', version: -1 }, creation('/b')],
  });
  expect(swap.error).toBeUndefined();
});

test('a session too many is refused; an end makes room, and living ones may attach again', () => {
  const tree = limited({ sessions: 1 });
  const session = tree.open();
  const opening = { ...session.opening, nonce: new Uint8Array(16).fill(99) };
  const refused = tree.batch([opening]);
  expect(refused.notices[0]?.message).toMatchObject({ type: 'refused', error: 'QuotaExceeded' });
  expect(refused.transactions).toMatchObject([{ effects: [] }]);
  const { password } = tree.record(session.id);
  const attach = { ...opening, type: 'attach', session: session.id, password } as const;
  expect(tree.batch([attach]).notices.map(({ message }) => message.type)).toContain('opened');
  tree.system({ type: 'expire', session: session.id, generation: 2 });
  expect(tree.batch([opening]).notices[0]?.message).toMatchObject({ type: 'opened' });
});
