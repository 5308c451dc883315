import { PUT_ALL_LUA } from './mutations.ts';
import { defineScript } from './script.ts';

/**
 * Guarantees: an entry is applied entirely, once, in its place: only to the generation that it was judged by, and only
 * on top of its predecessor (invariant 3).
 *
 * KEYS: generation. ARGV: root of the instance's keys, generation, sequence, zxid, mutations (packMutations).
 * Reply: 'applied', 'repeated', 'gap' or 'other generation'.
 */
export const applyEntry = defineScript(`${PUT_ALL_LUA}
local generation = redis.call('GET', KEYS[1])
if generation ~= ARGV[2] then return 'other generation' end
local namespace = ARGV[1] .. generation .. ':'
local applied = redis.call('HGET', namespace .. 'state', 'applied')
if not applied then return 'other generation' end
local sequence = tonumber(ARGV[3])
if sequence <= tonumber(applied) then return 'repeated' end
if sequence > tonumber(applied) + 1 then return 'gap' end
put_all(namespace, ARGV[5])
redis.call('HSET', namespace .. 'state', 'applied', ARGV[3], 'zxid', ARGV[4])
return 'applied'
`);
