import { PUT_ALL_LUA } from './mutations.ts';
import { defineScript } from './script.ts';

/**
 * Guarantees: entries are applied entirely, once, in their place: only to the generation that they were judged by, and
 * only on top of their predecessor (invariant 3).
 *
 * KEYS: generation. ARGV: root of the instance's keys, generation, last sequence, zxid, mutations
 * (packMutations), sequence of the predecessor, format, checksum of the state.
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
if tonumber(ARGV[6]) ~= tonumber(applied) then return 'gap' end
put_all(namespace, ARGV[5])
redis.call('HSET', namespace .. 'state', 'applied', ARGV[3], 'zxid', ARGV[4], 'format', ARGV[7], 'sum', ARGV[8])
return 'applied'
`);
