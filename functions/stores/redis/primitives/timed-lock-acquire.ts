import { defineScript } from '../script.ts';

/**
 * Guarantees, of each lock: of any number of callers at most one holds it at a time, and every new holder gets a token
 * above all tokens given before, also after the lock expired: the counter of tokens (`<lock>:fence`) never expires.
 *
 * KEYS: locks. ARGV: time to live in ms, the holder of each. Reply: for each its token, from 1 on, or 0 while another
 * holds it. The holder itself gets its token again and a new time to live.
 */
export const timedLockAcquire = defineScript(`
local tokens = {}
for i, key in ipairs(KEYS) do
  local holder = redis.call('HGET', key, 'holder')
  if holder and holder ~= ARGV[i + 1] then tokens[i] = 0
  else
    if not holder then
      redis.call('HSET', key, 'holder', ARGV[i + 1], 'token', redis.call('INCR', key .. ':fence'))
    end
    redis.call('PEXPIRE', key, ARGV[1])
    tokens[i] = tonumber(redis.call('HGET', key, 'token'))
  end
end
return tokens
`);
