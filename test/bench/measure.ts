import { BENCH } from './bounds.ts';

/** What one round of one operation showed. Latencies are ms. */
export interface Round {
  readonly operations: number;
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  /** The same, counted until everything written was visible to readers. */
  readonly visiblePerSecond?: number;
  /** CPU time of all processes of the system for one operation, until it is visible, µs. */
  readonly cpuMicros?: number;
}

export interface RoundOptions {
  /** How many are on their way at a time. */
  readonly outstanding: number;
  readonly mostMs: number;
  readonly mostOperations: number;
  /** Done even if the time is over. Default leastOperations, but never more than mostOperations. */
  readonly leastOperations?: number;
  /** Resolves when what was written is visible; its time counts for visiblePerSecond only. */
  readonly settled?: () => Promise<unknown>;
}

/** Runs `operation(0)`, `operation(1)` … and takes the time of each and of all. */
export async function measureRound(
  operation: (index: number) => Promise<unknown>,
  options: RoundOptions,
): Promise<Round> {
  const { outstanding, mostMs, mostOperations } = options;
  const least = Math.min(options.leastOperations ?? Math.max(BENCH.leastOperations, outstanding), mostOperations);
  const latencies: number[] = [];
  const begun = performance.now();
  let next = 0;
  const lane = async () => {
    for (;;) {
      const asked = performance.now();
      if (next >= mostOperations || (next >= least && asked - begun >= mostMs)) return;
      await operation(next++);
      latencies.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: outstanding }, lane));
  const ended = performance.now();
  await options.settled?.();
  const visible = performance.now();
  const count = latencies.length;
  return {
    operations: count,
    ...percentiles(latencies),
    perSecond: rate(count, ended - begun),
    ...(options.settled === undefined ? {} : { visiblePerSecond: rate(count, visible - begun) }),
  };
}

/** For operations so quick that the clock would be most of what is measured: each sample is the mean of a piece. */
export async function measureQuick(
  operation: (index: number) => Promise<unknown>,
  options: Pick<RoundOptions, 'mostMs' | 'mostOperations'>,
): Promise<Round> {
  const samples: number[] = [];
  const begun = performance.now();
  let count = 0;
  let before = begun;
  while (count < options.mostOperations && before - begun < options.mostMs) {
    for (let i = 0; i < BENCH.cachedPiece; i++) await operation(count++);
    const now = performance.now();
    samples.push((now - before) / BENCH.cachedPiece);
    before = now;
  }
  return { operations: count, ...percentiles(samples), perSecond: rate(count, before - begun) };
}

/** The promise, or an error that says what is stuck. */
export async function within<T>(what: string, promise: Promise<T>, limitMs: number = BENCH.stuckMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stuck = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer in ${limitMs / 1000} s: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, stuck]);
  } finally {
    clearTimeout(timer);
  }
}

function rate(count: number, ms: number): number {
  return ms > 0 ? (count / ms) * 1000 : 0;
}

export function percentiles(samples: readonly number[]): { p50: number; p99: number } {
  const sorted = Float64Array.from(samples).sort();
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
}

/** Nearest rank; NaN of nothing. */
export function percentile(sorted: ArrayLike<number>, fraction: number): number {
  const rank = Math.ceil(fraction * sorted.length);
  return sorted[Math.max(rank, 1) - 1] ?? Number.NaN;
}

/** Median and range of a figure over its rounds. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  return { median, least: sorted[0] ?? Number.NaN, most: sorted.at(-1) ?? Number.NaN };
}
