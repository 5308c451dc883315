/** Counts and rates of a history, for the report. */
import type { Band, Series } from '../../support/plots.ts';
import { type Call, callsOf, type Timed } from '../history.ts';

export interface FaultSpan {
  readonly number: number;
  readonly fault: string;
  readonly detail: string;
  /** s since the run began. */
  readonly from: number;
  readonly to: number;
  /** How it ended. */
  readonly ending: string;
  /** Longest time in which nothing was acknowledged, between its begin and the next fault, ms. */
  readonly gapMs: number;
}

export interface Figures {
  readonly seconds: number;
  readonly ok: number;
  readonly refused: number;
  readonly failed: number;
  readonly unknown: number;
  readonly sessions: number;
  readonly expired: number;
  readonly events: number;
  readonly faults: readonly FaultSpan[];
  readonly latency: readonly Series[];
  readonly throughput: readonly Series[];
}

const isWrite = ({ operation }: Call) => operation.f !== 'read';
const tookMs = ({ invoked, returned = invoked }: Call) => returned - invoked;

export function figuresOf(entries: readonly Timed[]): Figures {
  const calls = callsOf(entries);
  const answered = calls.filter(({ outcome }) => outcome.type === 'ok');
  const unanswered = calls.filter(({ outcome }) => outcome.type !== 'ok');
  const changes = entries.filter((entry) => entry.type === 'session');
  const seconds = Math.ceil((entries.at(-1)?.at ?? 0) / 1_000);
  const per = (name: string, some: readonly Call[]): Series => ({ name, kind: 'line', points: rate(some, seconds) });
  return {
    seconds,
    ok: answered.length,
    refused: answered.filter(({ outcome }) => outcome.type === 'ok' && outcome.result.error !== undefined).length,
    failed: calls.filter(({ outcome }) => outcome.type === 'fail').length,
    unknown: calls.filter(({ outcome }) => outcome.type === 'info').length,
    sessions: changes.filter(({ change }) => change === 'opened').length,
    expired: changes.filter(({ change }) => change === 'expired').length,
    events: entries.filter(({ type }) => type === 'event').length,
    faults: faultsOf(entries, answered.filter(isWrite)),
    latency: [
      { name: 'writes', kind: 'points', points: latencies(answered.filter(isWrite), seconds) },
      {
        name: 'reads',
        kind: 'points',
        points: latencies(
          answered.filter((call) => !isWrite(call)),
          seconds,
        ),
      },
    ],
    throughput: [
      per('writes', answered.filter(isWrite)),
      per(
        'reads',
        answered.filter((call) => !isWrite(call)),
      ),
      per('failed or unknown', unanswered),
    ],
  };
}

/** Shaded in the plots. */
export function bandsOf(faults: readonly FaultSpan[]): Band[] {
  const together = Map.groupBy(faults, ({ from, to }) => `${from} ${to}`).values();
  return [...together].map((some) => {
    const { from, to } = some[0] as FaultSpan;
    return { from, to, label: some.map(({ number }) => number + 1).join('+') };
  });
}

/** Stretches of time of a plot. */
const SLOTS = 150;

const tenths = (value: number) => Math.round(value * 10) / 10;

/** Median and slowest of each slot: a point for every call would be too much to look at. */
function latencies(calls: readonly Call[], seconds: number): [number, number][] {
  const slotMs = (seconds * 1_000) / SLOTS;
  const slots = Map.groupBy(calls, ({ invoked }) => tenths((Math.floor(invoked / slotMs) * slotMs) / 1_000));
  return [...slots].flatMap(([second, some]): [number, number][] => {
    const sorted = some.map(tookMs).toSorted((a, b) => a - b);
    const middle = sorted[Math.floor(sorted.length / 2)] as number;
    return [
      [second, tenths(Math.max(0.1, middle))],
      [second, tenths(Math.max(0.1, sorted.at(-1) as number))],
    ];
  });
}

function rate(calls: readonly Call[], seconds: number): [number, number][] {
  const counts = new Array<number>(seconds).fill(0);
  for (const { invoked, returned = invoked } of calls) {
    const second = Math.min(seconds - 1, Math.floor(returned / 1_000));
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts.map((count, second) => [second, count]);
}

function faultsOf(entries: readonly Timed[], writes: readonly Call[]): FaultSpan[] {
  const acknowledged = writes.map(({ returned = 0 }) => returned).toSorted((a, b) => a - b);
  const starts = entries.filter((entry) => entry.type === 'fault' && entry.phase === 'start');
  const last = entries.at(-1)?.at ?? 0;
  return starts.flatMap((start) => {
    if (start.type !== 'fault') return [];
    const { number, fault, detail, at } = start;
    const end = entries.find((entry) => entry.type === 'fault' && entry.number === number && entry.phase === 'end');
    const to = end?.at ?? last;
    const next = starts.find((other) => other.at > to)?.at ?? last;
    const ending = end?.type === 'fault' ? end.detail : 'never';
    const gapMs = longestGap(acknowledged, at, next);
    return [{ number, fault, detail, from: tenths(at / 1_000), to: tenths(to / 1_000), ending, gapMs }];
  });
}

function longestGap(times: readonly number[], from: number, to: number): number {
  let [longest, last] = [0, from];
  for (const time of times) {
    if (time < from) continue;
    longest = Math.max(longest, time - last);
    last = time;
    if (time > to) break;
  }
  return Math.round(longest);
}
