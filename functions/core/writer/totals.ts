import { decode, type NodeMeta } from '@faaskeeper/protocol';
import type { SessionRecord, Totals } from '../log-entry.ts';
import type { SystemStore } from '../ports.ts';
import { at } from '../tables.ts';
import { TOTALS_KEY } from '../transactions/index.ts';
import { type KnownState, StoreMoved } from './known-state.ts';

/**
 * Counts an instance that has limits and was not counted yet; the next entry says what was found.
 *
 * @throws StoreMoved when the store changed meanwhile.
 */
export async function knowTotals(known: KnownState, system: SystemStore): Promise<void> {
  const before = await system.read([at.total]);
  expectUnmoved(known, before.state);
  if (before.values[0]) return;
  let nodes = 0;
  let bytes = 0;
  let sessions = 0;
  // A page may show a key twice while the table is resized.
  const seen = new Set<string>();
  for await (const page of system.scan('node', '')) {
    for (const [path, value] of page) {
      if (seen.has(path)) continue;
      seen.add(path);
      nodes++;
      bytes += (decode(value, 'node') as NodeMeta).dataLength;
    }
  }
  seen.clear();
  for await (const page of system.scan('session', '')) {
    for (const [id, value] of page) {
      if (seen.has(id)) continue;
      seen.add(id);
      if ((decode(value, 'session') as SessionRecord).ended === 0) sessions++;
    }
  }
  expectUnmoved(known, (await system.read([])).state);
  known.remember('total', TOTALS_KEY, [nodes, bytes, sessions] satisfies Totals);
}

function expectUnmoved(known: KnownState, state: Awaited<ReturnType<SystemStore['read']>>['state']): void {
  if (state?.generation === known.generation && state.applied === known.sequence) return;
  throw new StoreMoved('The system store changed while the instance was counted');
}
