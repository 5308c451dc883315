import type { Redis } from 'ioredis';
import { runScript } from '../script.ts';
import { timedLockAcquire } from './timed-lock-acquire.ts';
import { timedLockExtend } from './timed-lock-extend.ts';
import { timedLockRelease } from './timed-lock-release.ts';

/**
 * The timed lock of the FaaSKeeper paper (arXiv 2203.14859, section on synchronization primitives): a lock that a
 * function which died cannot keep, because it expires.
 *
 * Guarantee: at most one holder at a time by the server's clock. A holder may believe in its lock after it expired;
 * so each acquisition comes with a fencing token that only grows, and what the lock protects must refuse older ones.
 * After the loss of all of Redis' data tokens begin anew: safety must not rest on the lock alone (invariant 1).
 */
export class TimedLock {
  readonly #redis: Redis;
  readonly #key: string;

  /** `key` names the lock; `key:fence` counts its tokens. */
  constructor(redis: Redis, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  /** The fencing token, or undefined while another holder has it. The holder may repeat it. */
  async acquire(holder: string, ttlMs: number): Promise<number | undefined> {
    const [token] = (await runScript(this.#redis, timedLockAcquire, [this.#key], [ttlMs, holder])) as number[];
    return token === 0 ? undefined : token;
  }

  /** False when this holder does not have it (any more). */
  async extend(holder: string, ttlMs: number): Promise<boolean> {
    const [held] = (await runScript(this.#redis, timedLockExtend, [this.#key], [ttlMs, holder])) as number[];
    return held === 1;
  }

  /** False when this holder does not have it (any more). */
  async release(holder: string): Promise<boolean> {
    return (await runScript(this.#redis, timedLockRelease, [this.#key], [holder])) === 1;
  }
}
