/** What a writer tells of a batch is told at once where it follows on what was told last, and never twice. */
import { type ChangeMessage, type CommittedMessage, countDigest, encode, feedDigest } from '@faaskeeper/protocol';
import type { Messaging } from '../../../client/ports.ts';
import { knownOf, type WatchEvent } from '../../../client/watches/events.ts';
import { Watches } from '../../../client/watches/watches.ts';

function setup() {
  const handlers = new Map<string, (payload: Uint8Array) => void>();
  const messaging = {
    subscribe: (subject: string, handler: (payload: Uint8Array) => void) => {
      handlers.set(subject, handler);
      return { close: () => handlers.delete(subject) };
    },
  } as unknown as Messaging;
  const session = { watermark: 5, seen: -1, mayAnticipate: true };
  const watches = new Watches({
    messaging,
    instance: 'i',
    watermark: () => session.watermark,
    state: () => 'connected',
    onTell: () => undefined,
    see: (zxid) => {
      session.seen = zxid;
    },
    mayAnticipate: () => session.mayAnticipate,
    toUser: (path) => path,
  });
  const told: string[] = [];
  const callback = ({ type, path, zxid }: WatchEvent) => void told.push(`${type} ${path} ${zxid}`);
  const watch = (path: string, kind: 'data' | 'persistent' | 'persistentRecursive') => {
    watches.prepare(path, kind === 'persistentRecursive');
    watches.arm(path, kind, callback, knownOf(session.watermark, undefined));
    watches.release(path, kind === 'persistentRecursive');
  };
  const hear = (subject: string, message: ChangeMessage | CommittedMessage) =>
    handlers.get(`fk.i.out.c${subject}`)?.(encode(message));
  const step = (zxid: number, ...entries: [bigint, number][]) => {
    const { nodes, recursive } = watches.lacking({ zxid, entries: new Map(entries), exact: true });
    watches.fire(zxid);
    session.watermark = zxid;
    return { nodes: nodes.map(({ path }) => path), recursive };
  };
  return { session, told, watch, hear, step };
}

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
  hear('.a', batch(5, 6, change('/a', 6)));
  expect([told, session.seen]).toEqual([['NodeDataChanged /a 6'], 6]);
  hear('.a', distributed('/a', 6));
  expect(step(6, [feedDigest('/a'), 6])).toEqual(NOTHING_LACKS);
  expect(told).toHaveLength(1);
});

test('what the distributor tells of it later may be lost', () => {
  const { told, watch, hear, step } = setup();
  watch('/a', 'persistent');
  hear('.a', batch(5, 6, change('/a', 6)));
  expect(step(6, [feedDigest('/a'), 6])).toEqual(NOTHING_LACKS);
  // The next one is not.
  expect(step(7, [feedDigest('/a'), 7])).toEqual({ nodes: ['/a'], recursive: false });
  expect(told).toHaveLength(1);
});

test('a distribution of this batch and the next tells only what is new', () => {
  const { told, watch, hear, step } = setup();
  watch('/a', 'persistent');
  hear('.a', batch(5, 6, change('/a', 6)));
  hear('.a', distributed('/a', 6, 8));
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
  hear('.a', message);
  expect([told, session.seen]).toEqual([[], -1]);
});

test('one batch may follow the other', () => {
  const { told, watch, hear } = setup();
  watch('/a', 'persistent');
  hear('.a', batch(5, 6, change('/a', 6)));
  hear('.a', batch(6, 8, change('/a', 8)));
  hear('.a', batch(5, 6, change('/a', 6)));
  expect(told).toEqual(['NodeDataChanged /a 6', 'NodeDataChanged /a 8']);
});

test('all that a batch changed is told once and in order, whichever of its messages came', () => {
  const { told, watch, hear, step } = setup();
  for (const path of ['/a', '/b']) watch(path, 'data');
  const message = batch(5, 7, change('/b', 7), change('/a', 6));
  hear('.b', message);
  hear('.a', message);
  expect(told).toEqual(['NodeDataChanged /a 6', 'NodeDataChanged /b 7']);
  expect(step(7, [feedDigest('/a'), 6], [feedDigest('/b'), 7])).toEqual(NOTHING_LACKS);
});

test('a recursive watch misses nothing of the rest', () => {
  const { told, watch, hear, step } = setup();
  watch('/r', 'persistentRecursive');
  hear('.r.>', batch(5, 6, change('/r/a', 6)));
  expect(told).toEqual(['NodeDataChanged /r/a 6']);
  hear('.r.>', distributed('/r/a', 6));
  hear('.r.>', distributed('/r/b', 7));
  expect(step(7, [feedDigest('/r', true), 7], [countDigest('/r'), 2])).toEqual(NOTHING_LACKS);
  expect(told).toEqual(['NodeDataChanged /r/a 6', 'NodeDataChanged /r/b 7']);
  expect(step(8, [feedDigest('/r', true), 8])).toEqual({ nodes: [], recursive: true });
});
