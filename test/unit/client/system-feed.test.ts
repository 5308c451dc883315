import { type Acl, countDigest, feedDigest, type Identity, protectedDigest } from '@faaskeeper/protocol';
import { knownOf } from '../../../client/watches/events.ts';
import { heardWatches } from './heard-watches.ts';

const ANN: Identity = { scheme: 'digest', id: 'ann:hash' };
const OF_ANN: Acl[] = [{ ...ANN, permissions: 31 }];
const WRITE_ONLY: Acl[] = [{ ...ANN, permissions: 2 }];

const setup = (identities: readonly Identity[] | undefined) => heardWatches({ watermark: 1, identities });

const created = (zxid: number, acl?: Acl[], index = 0) =>
  ({ zxid, index, kind: 'created', ...(acl === undefined ? {} : { acl }) }) as const;

test('only a session with known identities listens to the subjects of the system', () => {
  const ordinary = setup(undefined);
  ordinary.watch('/a', 'persistentRecursive');
  expect(ordinary.subjects()).toEqual(['fk.i.out.c.a', 'fk.i.out.c.a.>']);
  const known = setup([]);
  known.watch('/a', 'persistentRecursive');
  expect(known.subjects()).toEqual(['fk.i.out.c.a', 'fk.i.out.c.a.>', 'fk.i.sys.c.a', 'fk.i.sys.c.a.>']);
  known.watches.clear();
  expect(known.subjects()).toEqual([]);
});

test('a change reaches those who may read the node; one-shot watches of others are spent', () => {
  const [ann, stranger, writer] = [setup([ANN]), setup([]), setup([ANN])];
  for (const { watch } of [ann, stranger, writer])
    for (const kind of ['data', 'persistent'] as const) watch('/a', kind);
  for (const [one, acl] of [
    [ann, OF_ANN],
    [stranger, OF_ANN],
    [writer, WRITE_ONLY],
  ] as const) {
    one.hear('fk.i.sys.c.a', { path: '/a', changes: [created(2, acl)] });
    expect(one.step(2, [feedDigest('/a'), 2], [protectedDigest('/a'), 2])).toEqual({ nodes: [], recursive: false });
  }
  expect([ann.told, stranger.told, writer.told]).toEqual([['NodeCreated /a 2'], [], []]);
  expect([ann, stranger].map(({ watches }) => watches.has('/a', 'data'))).toEqual([false, false]);
  expect(stranger.watches.has('/a', 'persistent')).toBe(true);
});

test('what could not be read before is told in order when it can be', () => {
  const { watches, told, watch, step } = setup(undefined);
  watch('/a', 'persistent');
  watch('/b', 'persistent');
  const stat = (mzxid: number) => ({ czxid: 2, mzxid, pzxid: 2 }) as NonNullable<Parameters<typeof knownOf>[1]>;
  watches.learn({ path: '/a', zxid: 2 }, undefined);
  step(2, [feedDigest('/a'), 2]);
  watches.learn({ path: '/b', zxid: 3 }, knownOf(3, stat(3)));
  step(3, [feedDigest('/b'), 3]);
  // Its ACL has changed; two steps are prepared before one is taken.
  watches.learn({ path: '/a', zxid: 4 }, knownOf(4, stat(2)));
  watches.learn({ path: '/a', zxid: 4 }, knownOf(4, stat(2)));
  step(4, [feedDigest('/a'), 4]);
  watches.learn({ path: '/a', zxid: 5 }, knownOf(5, stat(5)));
  step(5, [feedDigest('/a'), 5]);
  expect(told.filter((event) => event.includes('/a'))).toEqual(['NodeCreated /a 4', 'NodeDataChanged /a 5']);
});

test('the super user, and everyone where the list is empty, hears it', () => {
  const [root, nobody] = [setup([{ scheme: 'super', id: '' }]), setup([])];
  for (const [one, acl] of [
    [root, OF_ANN],
    [nobody, []],
  ] as const) {
    one.watch('/a', 'persistent');
    one.hear('fk.i.sys.c.a', { path: '/a', changes: [created(2, [...acl])] });
    one.step(2, [feedDigest('/a'), 2], [protectedDigest('/a'), 2]);
    expect(one.told).toEqual(['NodeCreated /a 2']);
  }
});

test('changes of both feeds are told in the order of the transaction, and once', () => {
  const { watch, hear, step, told } = setup([ANN]);
  watch('/a', 'persistentRecursive');
  hear('fk.i.out.c.a.>', { path: '/a/open', changes: [created(2, undefined, 2)] });
  hear('fk.i.out.c.a.>', { path: '/a/x', changes: [created(2, undefined, 4)] });
  hear('fk.i.sys.c.a.>', { path: '/a/mine', changes: [created(2, OF_ANN, 0)] });
  // All of its changes, those that everyone may hear among them.
  hear('fk.i.sys.c.a.>', {
    path: '/a/x',
    changes: [created(2, undefined, 4), { zxid: 2, index: 6, kind: 'data', acl: OF_ANN }],
  });
  step(2, [feedDigest('/a', true), 2], [protectedDigest('/a', true), 2]);
  expect(told).toEqual([
    'NodeCreated /a/mine 2',
    'NodeCreated /a/open 2',
    'NodeCreated /a/x 2',
    'NodeDataChanged /a/x 2',
  ]);
});

test('a message of the system that is lost is missed, whatever came on the other subject', () => {
  const { watch, hear, step } = setup([ANN]);
  watch('/a', 'persistent');
  watch('/', 'persistentRecursive');
  hear('fk.i.out.c.a', { path: '/a', changes: [created(3)] });
  const [node, below] = [feedDigest('/a'), feedDigest('/', true)];
  const lost: [bigint, number][] = [
    [protectedDigest('/a'), 3],
    [protectedDigest('/', true), 2],
  ];
  expect(step(3, [node, 3], [below, 3], ...lost)).toEqual({ nodes: ['/a'], recursive: true });
});

test('of several nodes below a recursive watch, each is missed that is not heard', () => {
  const { watch, hear, step } = setup([ANN]);
  watch('/a', 'persistentRecursive');
  const below = (zxid: number): [bigint, number][] => [
    [feedDigest('/a', true), zxid],
    [protectedDigest('/a', true), zxid],
    [countDigest('/a'), 2],
    [countDigest('/a', true), 2],
  ];
  const tell = (feed: 'out' | 'sys', path: string, zxid: number) =>
    hear(`fk.i.${feed}.c.a.>`, { path, changes: [created(zxid, feed === 'sys' ? OF_ANN : undefined)] });
  for (const path of ['/a/1', '/a/2', '/a/2']) tell('out', path, 2);
  for (const path of ['/a/3', '/a/4', '/a/4']) tell('sys', path, 2);
  expect(step(2, ...below(2)).recursive).toBe(false);
  for (const path of ['/a/1', '/a/2']) tell('out', path, 3);
  for (const path of ['/a/4', '/a/4']) tell('sys', path, 3);
  expect(step(3, ...below(3)).recursive).toBe(true);
  for (const path of ['/a/2', '/a/2']) tell('out', path, 4);
  for (const path of ['/a/3', '/a/4']) tell('sys', path, 4);
  expect(step(4, ...below(4)).recursive).toBe(true);
});

test('what a client that reads directly is told is not what the system lists', () => {
  const { watch, step } = setup(undefined);
  watch('/a', 'persistent');
  watch('/', 'persistentRecursive');
  expect(step(3, [protectedDigest('/a'), 3], [protectedDigest('/', true), 3])).toEqual({ nodes: [], recursive: false });
});
