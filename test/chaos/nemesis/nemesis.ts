import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../../../operator/servers/index.ts';
import type { Chance } from '../../simulation/random.ts';
import { CHAOS } from '../bounds.ts';
import type { History } from '../history.ts';
import type { Inject, Injected } from './faults.ts';

export interface NemesisOptions {
  readonly faults: ReadonlyMap<string, Inject>;
  readonly chance: Chance;
  readonly history: History;
  readonly durationMs: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** One fault after another, each at least once if there is time; then sometimes two at once. All is well at the end. */
export async function runNemesis(options: NemesisOptions): Promise<void> {
  const { faults, chance, durationMs, signal } = options;
  const until = performance.now() + durationMs;
  const names = [...faults.keys()];
  const first = shuffled(names, chance);
  // Short runs have short faults.
  const most = Math.max(CHAOS.faultLeastMs, Math.min(CHAOS.faultMostMs, durationMs / 8));
  const calm = Math.max(CHAOS.calmLeastMs / 2, Math.min(CHAOS.calmMostMs, durationMs / 12));
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => undefined);
  let number = 0;
  while (names.length > 0 && !signal.aborted) {
    await pause(chance.between(calm / 2, calm));
    if (performance.now() >= until) break;
    const next = first.shift();
    const chosen = [next ?? chance.pick(names)];
    if (next === undefined && chance.happens(0.35)) chosen.push(chance.pick(names));
    const injected: Running[] = [];
    for (const name of new Set(chosen)) injected.push(await begin(options, name, number++));
    await pause(chance.between(CHAOS.faultLeastMs, most));
    for (const running of injected) await end(options, running);
  }
  await pause(Math.max(0, until - performance.now()));
}

interface Running {
  readonly number: number;
  readonly fault: string;
  readonly injected: Injected | undefined;
}

async function begin({ faults, history, say }: NemesisOptions, fault: string, number: number): Promise<Running> {
  const inject = faults.get(fault) as Inject;
  let injected: Injected | undefined;
  let detail: string;
  try {
    injected = await inject();
    detail = injected.detail;
  } catch (error) {
    // Two at once may be in each other's way.
    detail = `not done: ${firstLine(error)}`;
  }
  history.add({ type: 'fault', number, fault, phase: 'start', detail });
  say(`${fault} ${detail}`);
  return { number, fault, injected };
}

async function end({ history, say }: NemesisOptions, { number, fault, injected }: Running): Promise<void> {
  let detail = 'well again';
  try {
    const ended = injected?.end().then(() => true);
    if (ended !== undefined && (await within(ended, CHAOS.nemesisMs)) === undefined) detail = 'does not end';
  } catch (error) {
    detail = `ended with: ${firstLine(error)}`;
  }
  history.add({ type: 'fault', number, fault, phase: 'end', detail });
  if (detail !== 'well again') say(`${fault} ${detail}`);
}

/** Messages of servers that do not start have the end of their log in them. */
function firstLine(error: unknown): string {
  return String((error as Error).message).split('\n')[0] as string;
}

function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  const keyed = items.map((item) => ({ item, key: chance.fraction() }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item);
}
