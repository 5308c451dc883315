import { defineScript } from '../script.ts';

/**
 * Guarantees: each addition takes effect once and entirely, or not at all when it would go beyond the limit.
 *
 * KEYS: counter. ARGV: difference, upper limit or ''. Reply: the new value (as a string: it may exceed what Lua's
 * numbers hold exactly), or nil when it was refused.
 */
export const atomicCounterAdd = defineScript(`
if ARGV[2] ~= '' and tonumber(ARGV[1]) > 0 then
  local value = tonumber(redis.call('GET', KEYS[1]) or '0')
  if value + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return false end
end
redis.call('INCRBY', KEYS[1], ARGV[1])
return redis.call('GET', KEYS[1])
`);
