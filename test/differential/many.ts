/** Many sequences, some of them side by side. */
import { compare, type Pair, shrink } from './compare.ts';
import { generate } from './generate.ts';
import type { Difference } from './report.ts';

export interface ManyOptions extends Pair {
  readonly from: number;
  readonly seeds: number;
  /** Sequences at a time; default 4. */
  readonly parallel?: number;
  /** Stops after so many differences; default 5. */
  readonly differences?: number;
  /** No further sequence is begun after this. */
  readonly budgetMs?: number;
  readonly shrinkAttempts?: number;
  readonly onDifference?: (difference: Difference) => void;
  readonly onProgress?: (done: number) => void;
}

export interface ManyResult {
  readonly done: number;
  readonly differences: readonly Difference[];
}

export async function compareMany(options: ManyOptions): Promise<ManyResult> {
  const { from, seeds, parallel = 4, differences: most = 5, budgetMs = Number.POSITIVE_INFINITY } = options;
  const deadline = performance.now() + budgetMs;
  const differences: Difference[] = [];
  let next = from;
  let done = 0;
  const worker = async () => {
    while (next < from + seeds && differences.length < most && performance.now() < deadline) {
      const seed = next++;
      const steps = generate(seed);
      const outcome = await compare(options, steps);
      if (!outcome.agree) {
        const difference = await shortest(options, { seed, steps, outcome });
        differences.push(difference);
        options.onDifference?.(difference);
      }
      done++;
      options.onProgress?.(done);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return { done, differences };
}

/** The difference with fewer steps, or as it is if it does not show again. */
async function shortest(options: ManyOptions, difference: Difference): Promise<Difference> {
  const { shrinkAttempts: attempts } = options;
  const steps = await shrink(options, difference.steps, attempts === undefined ? {} : { attempts });
  const outcome = await compare(options, steps);
  return outcome.agree ? difference : { seed: difference.seed, steps, outcome };
}
