/** Judges a history; see each file for what it looks at. */
import { callsOf, type Timed } from '../history.ts';
import { Changes } from './changes.ts';
import { judgeEphemerals } from './ephemerals.ts';
import { judgeLinearizability } from './linearizability.ts';
import { judgeSessions } from './sessions.ts';
import type { Verdict } from './verdict.ts';
import { judgeWrites } from './writes.ts';

export type { Verdict } from './verdict.ts';

/** @param pictures directory for pictures of what is not linearizable. */
export async function judge(entries: readonly Timed[], pictures?: string): Promise<Verdict[]> {
  const changes = new Changes(callsOf(entries), entries);
  return [
    await judgeLinearizability(entries, pictures),
    ...judgeWrites(entries),
    ...judgeSessions(entries, changes),
    ...judgeEphemerals(entries),
  ];
}
