import type { Redis } from 'ioredis';
import { instanceKeys } from './keys.ts';

/** Keys looked at in one step: the server serves others in between. */
const SCAN_KEYS = 1_000;
/** Keys removed at once. */
const UNLINK_KEYS = 500;

/**
 * Removes every key of an instance; its applied state can be rebuilt from checkpoint and LOG, if those are kept. The
 * pointer goes first, so that nobody takes what is left for whole. May be repeated; resolves with how many there were.
 */
export async function dropInstance(redis: Redis, instance: string): Promise<number> {
  const { root, generation } = instanceKeys(instance);
  return (await redis.unlink(generation)) + (await dropKeys(redis, `${root}*`));
}

/** Removes all keys that match a pattern; resolves with how many there were. */
export async function dropKeys(redis: Redis, pattern: string): Promise<number> {
  let removed = 0;
  for await (const keys of keysOf(redis, pattern)) {
    for (let first = 0; first < keys.length; first += UNLINK_KEYS) {
      removed += await redis.unlink(...keys.slice(first, first + UNLINK_KEYS));
    }
  }
  return removed;
}

/** All keys that match a pattern, in pages; some may come twice. */
export async function* keysOf(redis: Redis, pattern: string): AsyncGenerator<string[]> {
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_KEYS);
    cursor = next;
    if (found.length > 0) yield found;
  } while (cursor !== '0');
}
