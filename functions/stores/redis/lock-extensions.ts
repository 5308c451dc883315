import type { Redis } from 'ioredis';
import { defineScript, runScript } from './script.ts';

/** Locks extended by one script: a server does nothing else meanwhile. */
const BATCH = 500;

/**
 * Guarantees, of each lock: only the holder prolongs it; one that has expired is not revived.
 *
 * KEYS: locks. ARGV: time to live in ms from now, the holder of each. Reply: for each 1, or 0 when this holder does not
 * have it.
 */
const extendLocks = defineScript(`
local held = {}
for i, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'holder') ~= ARGV[i + 1] then held[i] = 0
  else held[i] = redis.call('PEXPIRE', key, ARGV[1]) end
end
return held
`);

interface Wanted {
  readonly key: string;
  readonly holder: string;
  readonly settled: PromiseWithResolvers<boolean>;
}

/** Extensions of timed locks that are asked for in one turn, of all instances, are one command. */
export class LockExtensions {
  readonly #redis: Redis;
  /** By time to live, ms. */
  readonly #wanted = new Map<number, Wanted[]>();

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** False when this holder does not have the lock (any more). */
  extend(key: string, holder: string, ttlMs: number): Promise<boolean> {
    if (this.#wanted.size === 0) setImmediate(() => this.#send());
    const settled = Promise.withResolvers<boolean>();
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
          extendLocks,
          batch.map(({ key }) => key),
          args,
        ).then(
          (held) => batch.forEach(({ settled }, i) => void settled.resolve((held as number[])[i] === 1)),
          (error: unknown) => batch.forEach(({ settled }) => void settled.reject(error)),
        );
      }
    }
    this.#wanted.clear();
  }
}

const KNOWN = new WeakMap<Redis, LockExtensions>();

/** Those of a connection. */
export function lockExtensions(redis: Redis): LockExtensions {
  const known = KNOWN.get(redis) ?? new LockExtensions(redis);
  KNOWN.set(redis, known);
  return known;
}
