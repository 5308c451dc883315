/** Ephemeral nodes live as long as their session, and no longer. */
import { type Call, callsOf, type Timed } from '../history.ts';
import { Findings, type Verdict } from './verdict.ts';

export function judgeEphemerals(entries: readonly Timed[]): Verdict[] {
  const stay = new Findings('Ephemeral nodes of living sessions stay');
  const go = new Findings('Ephemeral nodes go with their session');
  const calls = callsOf(entries);
  const created = new Map<string, { path: string; id: number }>();
  for (const { operation, outcome, session } of calls) {
    const node = outcome.type === 'ok' ? outcome.result.nodes[0] : undefined;
    if (operation.f === 'ephemeral' && node !== undefined) created.set(session, { path: node.path, id: node.owner });
  }
  judgeReads(calls, created, stay);
  const end = entries.find((entry) => entry.type === 'ephemerals');
  if (end === undefined) return [{ ...stay.verdict(), undecided: 'the run ended before anybody looked' }, go.verdict()];
  const there = new Map(end.there.map((node) => [node.path, node]));
  for (const [session, { path, id }] of created) {
    const node = there.get(path);
    const lives = end.living.includes(session);
    if (lives)
      stay.look(node?.owner !== id && `${path} of session ${id} is ${node ? `owned by ${node.owner}` : 'gone'}`);
    else go.look(node !== undefined && `${path} is there, but ${session} is over`);
  }
  return [stay.verdict(), go.verdict()];
}

/** A session that misses its own node must never succeed with anything afterwards. */
function judgeReads(calls: readonly Call[], created: ReadonlyMap<string, { path: string }>, stay: Findings): void {
  const missed = new Map<string, Call>();
  for (const call of calls) {
    const { operation, outcome, session } = call;
    if (outcome.type !== 'ok') continue;
    const before = missed.get(session);
    if (before !== undefined) {
      stay.look(
        `${session} did not find its node (call ${before.call}), but was served afterwards (call ${call.call})`,
      );
      missed.delete(session);
    }
    if (operation.f !== 'read' || operation.path !== created.get(session)?.path) continue;
    if (outcome.result.error === 'NoNode') missed.set(session, call);
    else stay.look(undefined);
  }
}
