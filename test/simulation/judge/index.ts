import { isKeptInSystemStore, mutationsOf } from '../../../functions/core/tables.ts';
import { canonical, type Found, type History } from '../history.ts';
import type { Surroundings } from '../surroundings.ts';
import { type JudgedLog, judgeLog } from './log.ts';
import { judgeProtection } from './protection.ts';
import { Acknowledged, SessionJudge } from './session.ts';

/** Judges a whole history; returns what is wrong with it. */
export function judge(
  world: Surroundings,
  history: History,
  end: { final: ReadonlyMap<string, Found> | undefined },
): string[] {
  const violations = [...history.violations];
  const log = judgeLog(world, history, violations);
  judgeProtection(log.model, history, violations);
  const acknowledged = new Acknowledged();
  const judges = history.sessions.map((session) => new SessionJudge(session, log, violations));
  for (const one of judges) one.matchWrites(acknowledged);
  for (const one of judges) one.judgeRealTime(acknowledged);
  for (const one of judges) one.judgeCalls(acknowledged);
  if (end.final === undefined) return violations;
  const lastZxid = log.zxids.at(-1) ?? 0;
  for (const one of judges) one.judgeEnd(lastZxid);
  judgeFinalTree(log, end.final, violations);
  judgeStore(world, log, violations);
  for (const { name, id, died, opened } of history.sessions) {
    if (died !== undefined && opened !== undefined && !log.ended.has(id) && isLast(history, id, name))
      violations.push(`${name} died, but its session ${id} has not ended`);
  }
  return violations;
}

/** No other client uses the session. */
function isLast(history: History, id: number, name: string): boolean {
  return history.sessions.every((other) => other.id !== id || other.name === name || other.died !== undefined);
}

/** What a new client reads at the end is what the model holds. */
function judgeFinalTree({ model }: JudgedLog, final: ReadonlyMap<string, Found>, violations: string[]): void {
  for (const path of new Set([...model.paths, ...final.keys()])) {
    const version = model.versions(path).at(-1);
    const found = final.get(path);
    const expected = version?.stat === undefined ? undefined : [version.stat, version.data, version.children];
    const shown = found === undefined || found.stat === null ? undefined : [found.stat, found.data, found.children];
    if (canonical(expected) !== canonical(shown))
      violations.push(`At the end ${path} is ${canonical(shown)}, not ${canonical(expected)}`);
  }
}

/** The applied state is the sum of LOG. */
function judgeStore({ store }: Surroundings, { entries }: JudgedLog, violations: string[]): void {
  const { state } = store;
  if (state === undefined || state.applied !== entries.length) {
    violations.push(`At the end the system store has applied ${state?.applied}, LOG has ${entries.length}`);
    return;
  }
  const expected = new Map<string, string>();
  for (const entry of entries) {
    for (const { table, group, key, value } of mutationsOf(entry)) {
      if (!isKeptInSystemStore(table)) continue;
      if (value === null) expected.delete(`${table} ${group} ${key}`);
      else expected.set(`${table} ${group} ${key}`, Buffer.from(value).toString('hex'));
    }
  }
  let held = 0;
  for (const [group, values] of store.content) {
    for (const [key, value] of values) {
      held++;
      if (expected.get(`${group} ${key}`) !== Buffer.from(value).toString('hex'))
        violations.push(`At the end the system store has another value of ${group} ${key} than LOG`);
    }
  }
  if (held !== expected.size)
    violations.push(`At the end the system store has ${held} values, LOG makes ${expected.size}`);
}
