import { defineScript } from '../script.ts';

/**
 * Guarantees: of any number of callers at most one holds the lock at a time, and every new holder gets a token above
 * all tokens given before, also after the lock expired: the counter of tokens never expires.
 *
 * KEYS: lock, counter of tokens. ARGV: holder, time to live in ms. Reply: the token, or nil while another holds it. The
 * holder itself gets its token again and a new time to live.
 */
export const timedLockAcquire = defineScript(`
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[1] then return false end
local token
if holder then
  token = redis.call('HGET', KEYS[1], 'token')
else
  token = redis.call('INCR', KEYS[2])
  redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'token', token)
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return tonumber(token)
`);
