import { encode, encodeWatermarkEntries, feedDigest } from '@faaskeeper/protocol';
import type { Messaging } from '../../../client/ports.ts';
import type { NodeState } from '../../../client/reads/node-state.ts';
import { View } from '../../../client/view.ts';
import type { Published } from '../../../client/watermark.ts';
import { TestClock } from './test-clock.ts';

function setup() {
  const clock = new TestClock();
  let hear: (payload: Uint8Array) => void = () => undefined;
  const messaging = {
    subscribe: (_subject: string, handler: (payload: Uint8Array) => void) => {
      hear = handler;
      return { close: () => undefined };
    },
  } as unknown as Messaging;
  const view = new View({ messaging, clock }, 'i', { cacheBytes: 100_000 });
  const receive = (zxid: number, previous: number, ...paths: string[]) =>
    hear(
      encode({
        zxid,
        previous,
        entries: encodeWatermarkEntries(new Map(paths.map((path) => [feedDigest(path), zxid]))),
      }),
    );
  const cache = (path: string, zxid: number, at: number) => {
    for (let i = 0; i < 2; i++) view.offer(path, { state: 'absent', zxid } satisfies NodeState, at);
  };
  return { clock, view, receive, cache };
}

test('a cached node is for sessions that are not ahead of the feed', () => {
  const { view, receive, cache } = setup();
  receive(10, 9);
  cache('/a', 7, 10);
  expect(view.cached('/a', 10)).toMatchObject({ zxid: 7 });
  expect(view.cached('/a', 9)).toMatchObject({ zxid: 7 });
  expect(view.cached('/a', 11)).toBeUndefined();
});

test('what a session that stayed behind has read is not kept', () => {
  const { view, receive, cache } = setup();
  receive(10, 9);
  cache('/a', 7, 9);
  expect(view.cached('/a', 9)).toBeUndefined();
});

test('a step drops what it names; a gap drops all', () => {
  const { view, receive, cache } = setup();
  receive(10, 9);
  cache('/a', 7, 10);
  cache('/b', 7, 10);
  receive(11, 10, '/a');
  expect([view.cached('/a', 11), view.cached('/b', 11)]).toMatchObject([undefined, { zxid: 7 }]);
  receive(13, 12);
  expect(view.cached('/b', 13)).toBeUndefined();
});

test('a watermark that only an answer names is waited for, then taken as a gap', () => {
  const { clock, view, receive, cache } = setup();
  receive(10, 9);
  cache('/a', 7, 10);
  view.hint(12);
  receive(12, 10);
  clock.advance(1_000);
  expect(view.cached('/a', 12)).toMatchObject({ zxid: 7 });
  view.hint(14);
  clock.advance(1_000);
  expect([view.value, view.cachedNodes]).toEqual([14, 0]);
});

test('who follows is told every step; who does not is left alone until it joins again', () => {
  const { view, receive } = setup();
  const told: number[] = [];
  const follower = { following: true, add: ({ zxid }: Published) => void told.push(zxid) };
  view.join(follower);
  receive(10, 9);
  follower.following = false;
  receive(11, 10);
  follower.following = true;
  receive(12, 11);
  expect(view.tells(follower)).toBe(false);
  view.join(follower);
  receive(13, 12);
  expect(told).toEqual([10, 13]);
});
