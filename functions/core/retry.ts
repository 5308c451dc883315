import type { Clock, Random } from './ports.ts';

export interface RetryPolicy {
  /** First wait, ms; doubles up to `maxMs`. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** All waits together, ms. */
  readonly limitMs: number;
}

/** Waits between attempts; each is jittered between half and the whole of its length. */
export const RETRY = {
  /** Whether a missing LOG entry is an election's doing or a loss. */
  election: { firstMs: 20, maxMs: 500, limitMs: 10_000 },
  /** A store that does not answer: the trigger sends the batch again, so not long. */
  store: { firstMs: 20, maxMs: 500, limitMs: 5_000 },
  /** Conditional writes that met another writer. */
  conflict: { firstMs: 2, maxMs: 200, limitMs: 10_000 },
  /** An object that the distributor is about to write. */
  visible: { firstMs: 5, maxMs: 100, limitMs: 10_000 },
} as const satisfies Record<string, RetryPolicy>;

/**
 * Waits before the next attempt; false when the limit is reached. One object serves one sequence of attempts.
 */
export class Backoff {
  readonly #outside: { readonly clock: Clock; readonly random: Random };
  readonly #policy: RetryPolicy;
  #nextMs: number;
  #waitedMs = 0;

  constructor(outside: { readonly clock: Clock; readonly random: Random }, policy: RetryPolicy) {
    this.#outside = outside;
    this.#policy = policy;
    this.#nextMs = policy.firstMs;
  }

  async wait(signal?: AbortSignal): Promise<boolean> {
    if (this.#waitedMs >= this.#policy.limitMs) return false;
    const ms = this.#nextMs * (0.5 + this.#outside.random.fraction() / 2);
    this.#waitedMs += ms;
    this.#nextMs = Math.min(this.#nextMs * 2, this.#policy.maxMs);
    await this.#outside.clock.sleep(ms, signal);
    return true;
  }
}
