import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Failure, Slice, SliceOutcome } from './slice.ts';

/** Seeds that a process is handed at a time: a second of work, so that all end together. */
const SLICE_SEEDS = 20;

export interface PoolOptions extends Slice {
  readonly workers: number;
  readonly keepGoing: boolean;
  readonly mutant?: string | undefined;
  /** Hears what came of each slice, as soon as it is done. */
  readonly onSlice: (outcome: SliceOutcome) => void;
  /** True: no more slices are begun. */
  readonly isEnough?: () => boolean;
}

/**
 * Runs seeds in several processes. Slices are handed out in order and each is finished, so the first failure is that of
 * the lowest seed that fails, as in one process. Returns all failures that were found, by seed.
 */
export async function runInPool(options: PoolOptions): Promise<Failure[]> {
  const failures: Failure[] = [];
  const end = options.from + options.seeds;
  let next = options.from;
  const take = (): Slice | undefined => {
    if (next >= end || (failures.length > 0 && !options.keepGoing) || options.isEnough?.() === true) return undefined;
    const slice = { from: next, seeds: Math.min(SLICE_SEEDS, end - next) };
    next += slice.seeds;
    return slice;
  };
  const work = async () => {
    const child = startWorker(options);
    try {
      for (let slice = take(); slice !== undefined; slice = take()) {
        const outcome = await ask(child, slice);
        failures.push(...outcome.failures);
        options.onSlice(outcome);
      }
    } finally {
      child.kill();
    }
  };
  const count = Math.min(options.workers, Math.ceil(options.seeds / SLICE_SEEDS));
  await Promise.all(Array.from({ length: count }, work));
  return failures.sort((a, b) => a.seed - b.seed);
}

function startWorker({ keepGoing, mutant }: PoolOptions): ChildProcess {
  const args = [...(keepGoing ? ['--keep-going'] : []), ...(mutant === undefined ? [] : ['--mutant', mutant])];
  return fork(join(import.meta.dirname, 'worker.ts'), args, { execArgv: ['--conditions=source'] });
}

function ask(child: ChildProcess, slice: Slice): Promise<SliceOutcome> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null, signal: string | null) =>
      reject(
        new Error(`A process ended (${code ?? signal}) with seeds ${slice.from} to ${slice.from + slice.seeds - 1}`),
      );
    child.once('exit', onExit);
    child.once('message', (outcome: SliceOutcome) => {
      child.off('exit', onExit);
      resolve(outcome);
    });
    child.send(slice);
  });
}
