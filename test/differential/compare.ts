/** One sequence on two servers, and the shortest sequence on which they still differ. */
import { randomBytes } from 'node:crypto';
import { linesOf } from './lines.ts';
import { run, type Server } from './run.ts';
import type { Request, Step } from './steps.ts';

export interface Pair {
  readonly reference: Server;
  readonly candidate: Server;
}

export interface Outcome {
  readonly reference: readonly string[];
  readonly candidate: readonly string[];
  readonly agree: boolean;
}

export async function compare({ reference, candidate }: Pair, steps: readonly Step[]): Promise<Outcome> {
  const root = `/differential-${randomBytes(8).toString('hex')}`;
  const [expected, actual] = await Promise.all([
    transcript(reference, root, steps),
    transcript(candidate, root, steps),
  ]);
  return { reference: expected, candidate: actual, agree: expected.join('\n') === actual.join('\n') };
}

async function transcript(server: Server, root: string, steps: readonly Step[]): Promise<string[]> {
  try {
    return linesOf(await run(server, root, steps));
  } catch (error) {
    return [`the run failed: ${(error as Error).stack}`];
  }
}

/** What a shorter sequence must still show: the same kind of line differs first. */
export function firstDifference({ reference, candidate }: Outcome): number {
  const length = Math.max(reference.length, candidate.length);
  for (let index = 0; index < length; index++) if (reference[index] !== candidate[index]) return index;
  return -1;
}

export interface ShrinkOptions {
  /** Comparisons at most; default 150. */
  readonly attempts?: number;
}

/** Drops steps, and operations inside them, while the servers still differ. */
export async function shrink(
  pair: Pair,
  failing: readonly Step[],
  { attempts = 150 }: ShrinkOptions = {},
): Promise<Step[]> {
  let left = attempts;
  let best = [...failing];
  const stillDiffers = async (steps: readonly Step[]) => {
    if (left-- <= 0) return false;
    return !(await compare(pair, steps)).agree;
  };
  for (let size = Math.ceil(best.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = best.length - size; from > -size; from -= size) {
      const shorter = best.toSpliced(Math.max(from, 0), size + Math.min(from, 0));
      if (shorter.length < best.length && (await stillDiffers(shorter))) best = shorter;
    }
  }
  for (let index = 0; index < best.length; index++) {
    for (let simpler = simplified(best[index]!), at = 0; at < simpler.length; at++) {
      const steps = best.with(index, simpler[at]!);
      if (!(await stillDiffers(steps))) continue;
      best = steps;
      simpler = simplified(simpler[at]!);
      at = -1;
    }
  }
  return best;
}

/** The step with one thing less in it, in every way. */
function simplified(step: Step): Step[] {
  if (step.do === 'burst') {
    const fewer = step.requests.map((_, index): Step => ({ ...step, requests: step.requests.toSpliced(index, 1) }));
    const [only] = step.requests;
    return step.requests.length === 1 && only ? [{ do: 'request', at: step.at, request: only }] : fewer;
  }
  if (step.do !== 'request') return [];
  return lessOf(step.request).map((request) => ({ ...step, request }));
}

const listNames = [
  'parts',
  'dataWatches',
  'existWatches',
  'childWatches',
  'persistentWatches',
  'persistentRecursiveWatches',
];

function lessOf({ op, args }: Request): Request[] {
  return listNames.flatMap((name) => {
    const list = args[name];
    if (!Array.isArray(list)) return [];
    return list.map((_, index) => ({ op, args: { ...args, [name]: list.toSpliced(index, 1) } }));
  });
}
