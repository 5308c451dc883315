/** What is promised of all writes together: order, nothing lost, nothing twice. */
import { type Call, callsOf, type Timed } from '../history.ts';
import { nodesOf } from './changes.ts';
import { Findings, type Verdict } from './verdict.ts';

export function judgeWrites(entries: readonly Timed[]): Verdict[] {
  const calls = new Map(callsOf(entries).map((call) => [call.call, call]));
  return [judgeOrder(entries, calls), judgeMultis(calls), ...judgeQueue(entries, calls)];
}

/** zxid of an acknowledged write, where its answer tells it. */
function zxidOf(call: Call): number | undefined {
  const { operation, outcome } = call;
  if (outcome.type !== 'ok' || outcome.result.error !== undefined || operation.f === 'read') return undefined;
  return nodesOf(call)[0]?.mzxid ?? outcome.result.zxid;
}

/** What begins after another has been acknowledged has a later zxid, and no two have the same. */
function judgeOrder(entries: readonly Timed[], calls: ReadonlyMap<number, Call>): Verdict {
  const findings = new Findings('zxids follow real time, and no two writes share one');
  const floors = new Map<number, number>();
  const owners = new Map<number, number>();
  let highest = 0;
  for (const entry of entries) {
    if (entry.type === 'invoke') floors.set(entry.call, highest);
    if (entry.type !== 'ok') continue;
    const zxid = zxidOf(calls.get(entry.call) as Call);
    if (zxid === undefined) continue;
    const floor = floors.get(entry.call) ?? 0;
    const other = owners.get(zxid);
    findings.look(zxid <= floor && `call ${entry.call} has ${zxid}, but ${floor} was acknowledged before it began`);
    findings.look(other !== undefined && `calls ${other} and ${entry.call} both have ${zxid}`);
    owners.set(zxid, entry.call);
    highest = Math.max(highest, zxid);
  }
  return findings.verdict();
}

function judgeMultis(calls: ReadonlyMap<number, Call>): Verdict {
  const findings = new Findings('A multi is one transaction');
  for (const call of calls.values()) {
    if (call.operation.f !== 'multi') continue;
    const zxids = new Set(nodesOf(call).map(({ mzxid }) => mzxid));
    findings.look(zxids.size > 1 && `call ${call.call} has ${[...zxids].join(', ')}`);
  }
  return findings.verdict();
}

function judgeQueue(entries: readonly Timed[], calls: ReadonlyMap<number, Call>): Verdict[] {
  const lost = new Findings('No acknowledged sequential node is lost');
  const once = new Findings('A sequential node is created once, with a number in the order of zxids');
  const final = entries.find((entry) => entry.type === 'final');
  const appends = [...calls.values()].filter(({ operation }) => operation.f === 'append');
  if (final === undefined) return [{ ...lost.verdict(), undecided: 'the run ended before anybody looked' }];
  const byValue = new Map<string, string>();
  const queue = final.queue.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  for (const [at, { path, value, mzxid }] of queue.entries()) {
    const twin = byValue.get(value);
    const before = queue[at - 1];
    once.look(twin !== undefined && `${twin} and ${path} both hold ${value}`);
    once.look(before !== undefined && before.mzxid >= mzxid && `${path} (${mzxid}) is not later than ${before.path}`);
    byValue.set(value, path);
  }
  for (const { call, operation, outcome } of appends) {
    if (operation.f !== 'append') continue;
    const path = byValue.get(operation.value);
    if (outcome.type === 'fail') once.look(path !== undefined && `${path} is there, but call ${call} failed`);
    if (outcome.type !== 'ok' || outcome.result.error !== undefined) continue;
    const told = outcome.result.nodes[0]?.path;
    lost.look(path !== told && `${told} was acknowledged to call ${call}, but ${operation.value} is in ${path}`);
  }
  return [lost.verdict(), once.verdict()];
}
