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
  let removed = await redis.unlink(generation);
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', `${root}*`, 'COUNT', SCAN_KEYS);
    cursor = next;
    for (let first = 0; first < found.length; first += UNLINK_KEYS) {
      removed += await redis.unlink(...found.slice(first, first + UNLINK_KEYS));
    }
  } while (cursor !== '0');
  return removed;
}
