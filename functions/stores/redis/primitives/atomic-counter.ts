import type { Redis } from 'ioredis';
import { runScript } from '../script.ts';
import { atomicCounterAdd } from './atomic-counter-add.ts';

/**
 * The atomic counter of the FaaSKeeper paper (arXiv 2203.14859, section on synchronization primitives): one update,
 * no lock, whatever the concurrency.
 *
 * Guarantee: additions are serialized, so no two callers get the same value from positive additions, and the value
 * never passes a limit that all callers name. Values are whole numbers within ±2^53. A counter that is missing is 0.
 * A call that failed may have taken effect.
 */
export class AtomicCounter {
  readonly #redis: Redis;
  readonly #key: string;

  constructor(redis: Redis, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  /** The new value, or undefined when adding would exceed `limit`. Subtracting is never refused. */
  async add(difference: number, options: { limit?: number } = {}): Promise<number | undefined> {
    if (!Number.isSafeInteger(difference)) throw new RangeError(`A counter adds whole numbers, not ${difference}`);
    const value = await runScript(this.#redis, atomicCounterAdd, [this.#key], [difference, options.limit ?? '']);
    return value === null ? undefined : Number(String(value));
  }

  async value(): Promise<number> {
    return Number((await this.#redis.get(this.#key)) ?? 0);
  }
}
