import { runSeed } from './world.ts';

/** Lines of the trace that a failure shows. */
const TRACE_LINES = 400;

/** Seeds from `from` on, one after the other. */
export interface Slice {
  readonly from: number;
  readonly seeds: number;
}

export interface Failure {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly violations: readonly string[];
  /** Its last lines. */
  readonly trace: readonly string[];
}

/** What came of a slice. */
export interface SliceOutcome {
  /** Fewer than asked for where it stopped at a failure. */
  readonly done: number;
  readonly calls: number;
  readonly failures: readonly Failure[];
}

export async function runSlice({ from, seeds }: Slice, { keepGoing = false } = {}): Promise<SliceOutcome> {
  const failures: Failure[] = [];
  let calls = 0;
  let done = 0;
  while (done < seeds && (keepGoing || failures.length === 0)) {
    const { seed, calls: own, faults, violations, trace } = await runUnbroken(from + done++);
    calls += own;
    if (violations.length > 0) failures.push({ seed, faults, violations, trace: trace.slice(-TRACE_LINES) });
  }
  return { done, calls, failures };
}

type Told = Failure & { readonly calls: number };

/** What breaks the world, or would end the process of a function, is wrong as well. */
async function runUnbroken(seed: number): Promise<Told> {
  const unhandled: string[] = [];
  const note = (error: unknown) => unhandled.push(`Nobody handles ${String(error)}`);
  process.on('unhandledRejection', note);
  try {
    const { calls, faults, violations, trace } = await runSeed(seed);
    return { seed, calls, faults, violations: [...violations, ...unhandled], trace };
  } catch (error) {
    return { seed, calls: 0, faults: [], violations: [`The world broke: ${String(error)}`, ...unhandled], trace: [] };
  } finally {
    process.off('unhandledRejection', note);
  }
}
