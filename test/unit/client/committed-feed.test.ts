/** What a writer tells of a batch is told at once where it follows on what was told last, and never twice. */
import { type ChangeMessage, type CommittedMessage, countDigest, feedDigest } from '@faaskeeper/protocol';
import { heardWatches } from './heard-watches.ts';

const setup = () => heardWatches({ watermark: 5 });

const change = (path: string, zxid: number, kind: 'data' | 'created' = 'data', index = 0) => ({
  path,
  zxid,
  index,
  kind,
});
const batch = (previous: number, zxid: number, ...changes: CommittedMessage['changes']) => ({
  previous,
  zxid,
  changes,
});
const distributed = (path: string, ...zxids: number[]): ChangeMessage => ({
  path,
  changes: zxids.map((zxid) => ({ zxid, index: 0, kind: 'data' as const })),
});
const NOTHING_LACKS = { nodes: [], recursive: false };

test('an event is told before the watermark covers it, and the session has seen its transaction', () => {
  const { session, told, watch, hear, step } = setup();
  watch('/a', 'persistent');
  hear('fk.i.out.c.a', batch(5, 6, change('/a', 6)));
  expect([told, session.seen]).toEqual([['NodeDataChanged /a 6'], 6]);
  hear('fk.i.out.c.a', distributed('/a', 6));
  expect(step(6, [feedDigest('/a'), 6])).toEqual(NOTHING_LACKS);
  expect(told).toHaveLength(1);
});

test('what the distributor tells of it later may be lost', () => {
  const { told, watch, hear, step } = setup();
  watch('/a', 'persistent');
  hear('fk.i.out.c.a', batch(5, 6, change('/a', 6)));
  expect(step(6, [feedDigest('/a'), 6])).toEqual(NOTHING_LACKS);
  // The next one is not.
  expect(step(7, [feedDigest('/a'), 7])).toEqual({ nodes: ['/a'], recursive: false });
  expect(told).toHaveLength(1);
});

test('a distribution of this batch and the next tells only what is new', () => {
  const { told, watch, hear, step } = setup();
  watch('/a', 'persistent');
  hear('fk.i.out.c.a', batch(5, 6, change('/a', 6)));
  hear('fk.i.out.c.a', distributed('/a', 6, 8));
  expect(step(8, [feedDigest('/a'), 8])).toEqual(NOTHING_LACKS);
  expect(told).toEqual(['NodeDataChanged /a 6', 'NodeDataChanged /a 8']);
});

test.each([
  ['something between is not told yet', batch(6, 7, change('/a', 7)), true],
  ['it is visible already', batch(4, 5, change('/a', 5)), true],
  ['a call or a step is to come first', batch(5, 6, change('/a', 6)), false],
])('nothing is told where %s', (_, message, mayAnticipate) => {
  const { session, told, watch, hear } = setup();
  session.mayAnticipate = mayAnticipate;
  watch('/a', 'persistent');
  hear('fk.i.out.c.a', message);
  expect([told, session.seen]).toEqual([[], -1]);
});

test('one batch may follow the other', () => {
  const { told, watch, hear } = setup();
  watch('/a', 'persistent');
  hear('fk.i.out.c.a', batch(5, 6, change('/a', 6)));
  hear('fk.i.out.c.a', batch(6, 8, change('/a', 8)));
  hear('fk.i.out.c.a', batch(5, 6, change('/a', 6)));
  expect(told).toEqual(['NodeDataChanged /a 6', 'NodeDataChanged /a 8']);
});

test('all that a batch changed is told once and in order, whichever of its messages came', () => {
  const { told, watch, hear, step } = setup();
  for (const path of ['/a', '/b']) watch(path, 'data');
  const message = batch(5, 7, change('/b', 7), change('/a', 6));
  hear('fk.i.out.c.b', message);
  hear('fk.i.out.c.a', message);
  expect(told).toEqual(['NodeDataChanged /a 6', 'NodeDataChanged /b 7']);
  expect(step(7, [feedDigest('/a'), 6], [feedDigest('/b'), 7])).toEqual(NOTHING_LACKS);
});

test('a recursive watch misses nothing of the rest', () => {
  const { told, watch, hear, step } = setup();
  watch('/r', 'persistentRecursive');
  hear('fk.i.out.c.r.>', batch(5, 6, change('/r/a', 6)));
  expect(told).toEqual(['NodeDataChanged /r/a 6']);
  hear('fk.i.out.c.r.>', distributed('/r/a', 6));
  hear('fk.i.out.c.r.>', distributed('/r/b', 7));
  expect(step(7, [feedDigest('/r', true), 7], [countDigest('/r'), 2])).toEqual(NOTHING_LACKS);
  expect(told).toEqual(['NodeDataChanged /r/a 6', 'NodeDataChanged /r/b 7']);
  expect(step(8, [feedDigest('/r', true), 8])).toEqual({ nodes: [], recursive: true });
});
