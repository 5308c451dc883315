import type { StorageKeys } from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import { reportFault } from '../faults.ts';
import type { Outside } from '../ports.ts';
import { readWatermark } from '../stored-watermark.ts';

/**
 * Holds a batch while more than `BOUNDS.visibleLag` transactions of LOG are not visible yet (invariant 15): at most
 * `BOUNDS.lagHoldMs`, so that the lane goes slowly, and what it appends wakes a distributor that would sleep otherwise.
 */
export async function keepLagBounded(
  outside: Outside,
  keys: StorageKeys,
  { zxid, visible }: { readonly zxid: number; readonly visible: number },
): Promise<void> {
  const { clock } = outside;
  const until = clock.now() + BOUNDS.lagHoldMs;
  let newest = visible;
  for (let isFirst = true; zxid - newest > BOUNDS.visibleLag; isFirst = false) {
    const stored = await readWatermark(outside, keys);
    // Nobody knows how far behind it is: the distributor finds out with the next message.
    if (stored?.position === undefined) return;
    newest = Math.max(newest, stored.position.zxid);
    if (zxid - newest <= BOUNDS.visibleLag || clock.now() >= until) break;
    if (isFirst) {
      const lag = zxid - newest;
      reportFault(outside, 'distributor-behind', { lag }, 'the distributor is far behind: writes are slowed down');
    }
    await clock.sleep(BOUNDS.lagLookMs);
  }
}
