import { defineScript } from '../script.ts';

/**
 * Guarantees: only the holder prolongs the lock; one that has expired is not revived.
 *
 * KEYS: lock. ARGV: holder, time to live in ms from now. Reply: 1, or 0 when this holder does not have it.
 */
export const timedLockExtend = defineScript(`
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);
