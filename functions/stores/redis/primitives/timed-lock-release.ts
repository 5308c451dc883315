import { defineScript } from '../script.ts';

/**
 * Guarantees: only the holder releases the lock, never one that lost it to another.
 *
 * KEYS: lock. ARGV: holder. Reply: 1, or 0 when this holder does not have it.
 */
export const timedLockRelease = defineScript(`
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);
