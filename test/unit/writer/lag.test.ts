import { frame, storageKeys } from '@faaskeeper/protocol';
import { BOUNDS } from '../../../functions/core/bounds.ts';
import type { Outside } from '../../../functions/core/ports.ts';
import { keepLagBounded } from '../../../functions/core/writer/lag.ts';

const keys = storageKeys('i1/');

/** The outside of a writer; `stored` tells the watermark (zxid) at a time (ms), undefined: none is stored. */
function outsideWith(stored: (ms: number) => number | undefined) {
  let ms = 0;
  const faults: string[] = [];
  const objects = {
    get: async () => {
      const zxid = stored(ms);
      return zxid === undefined ? undefined : { body: frame(1, { sequence: 1, zxid }), etag: 'e' };
    },
  };
  const clock = {
    now: () => ms,
    sleep: async (time: number) => {
      ms += time;
    },
  };
  const quiet = () => {};
  const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const incidents = { fault: (fault: string) => void faults.push(fault), repair: quiet };
  return { outside: { objects, clock, logger, incidents } as unknown as Outside, faults, waited: () => ms };
}

test('a batch waits until the distributor has caught up', async () => {
  const zxid = BOUNDS.visibleLag + 100;
  const { outside, faults, waited } = outsideWith((ms) => (ms < 1_000 ? 0 : 150));
  await keepLagBounded(outside, keys, { zxid, visible: 0 });
  expect(waited()).toBe(1_000);
  expect(faults).toEqual(['distributor-behind']);
});

test('one that stays behind slows the lane, and does not stop it', async () => {
  const zxid = BOUNDS.visibleLag + 100;
  const { outside, waited } = outsideWith(() => 0);
  await keepLagBounded(outside, keys, { zxid, visible: 0 });
  expect(waited()).toBe(BOUNDS.lagHoldMs);
});

test('nothing waits within the bound, or for a watermark that nobody knows', async () => {
  const near = outsideWith(() => 0);
  await keepLagBounded(near.outside, keys, { zxid: BOUNDS.visibleLag, visible: 0 });
  const unknown = outsideWith(() => undefined);
  await keepLagBounded(unknown.outside, keys, { zxid: 2 * BOUNDS.visibleLag, visible: 0 });
  expect([near.waited(), unknown.waited(), near.faults, unknown.faults]).toEqual([0, 0, [], []]);
});
