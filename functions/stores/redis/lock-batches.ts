import type { Redis } from 'ioredis';
import { timedLockAcquire } from './primitives/timed-lock-acquire.ts';
import { timedLockExtend } from './primitives/timed-lock-extend.ts';
import { runScript, type Script } from './script.ts';

/** Locks of one script: a server does nothing else meanwhile. */
const BATCH = 500;

interface Wanted {
  readonly key: string;
  readonly holder: string;
  readonly settled: PromiseWithResolvers<number>;
}

/** What is asked of the locks of all instances in one turn is one command. */
class LockBatches {
  readonly #redis: Redis;
  readonly #script: Script;
  /** By time to live, ms. */
  readonly #wanted = new Map<number, Wanted[]>();

  constructor(redis: Redis, script: Script) {
    this.#redis = redis;
    this.#script = script;
  }

  /** What the script says of this lock. */
  ask(key: string, holder: string, ttlMs: number): Promise<number> {
    if (this.#wanted.size === 0) setImmediate(() => this.#send());
    const settled = Promise.withResolvers<number>();
    const others = this.#wanted.get(ttlMs);
    if (others === undefined) this.#wanted.set(ttlMs, [{ key, holder, settled }]);
    else others.push({ key, holder, settled });
    return settled.promise;
  }

  #send(): void {
    for (const [ttlMs, wanted] of this.#wanted) {
      for (let first = 0; first < wanted.length; first += BATCH) {
        const batch = wanted.slice(first, first + BATCH);
        const args = [ttlMs, ...batch.map(({ holder }) => holder)];
        runScript(
          this.#redis,
          this.#script,
          batch.map(({ key }) => key),
          args,
        ).then(
          (replies) => batch.forEach(({ settled }, i) => void settled.resolve((replies as number[])[i] ?? 0)),
          (error: unknown) => batch.forEach(({ settled }) => void settled.reject(error)),
        );
      }
    }
    this.#wanted.clear();
  }
}

/** The timed locks of all instances over one connection. */
export class SharedLocks {
  readonly #acquiring: LockBatches;
  readonly #extending: LockBatches;

  private constructor(redis: Redis) {
    this.#acquiring = new LockBatches(redis, timedLockAcquire);
    this.#extending = new LockBatches(redis, timedLockExtend);
  }

  static of(redis: Redis): SharedLocks {
    const known = KNOWN.get(redis) ?? new SharedLocks(redis);
    KNOWN.set(redis, known);
    return known;
  }

  /** The fencing token, or undefined while another holder has the lock. The holder may repeat it. */
  async acquire(key: string, holder: string, ttlMs: number): Promise<number | undefined> {
    const token = await this.#acquiring.ask(key, holder, ttlMs);
    return token === 0 ? undefined : token;
  }

  /** False when this holder does not have the lock (any more). */
  async extend(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return (await this.#extending.ask(key, holder, ttlMs)) === 1;
  }
}

const KNOWN = new WeakMap<Redis, SharedLocks>();
