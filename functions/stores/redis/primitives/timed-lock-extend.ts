import { defineScript } from '../script.ts';

/**
 * Guarantees, of each lock: only the holder prolongs it; one that has expired is not revived.
 *
 * KEYS: locks. ARGV: time to live in ms from now, the holder of each. Reply: for each 1, or 0 when this holder does not
 * have it.
 */
export const timedLockExtend = defineScript(`
local held = {}
for i, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'holder') ~= ARGV[i + 1] then held[i] = 0
  else held[i] = redis.call('PEXPIRE', key, ARGV[1]) end
end
return held
`);
