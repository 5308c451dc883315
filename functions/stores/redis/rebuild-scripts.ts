import { PUT_ALL_LUA } from './mutations.ts';
import { defineScript } from './script.ts';

/**
 * Guarantees: nothing is written into a namespace whose rebuild has lost its lease (it may be under removal).
 *
 * KEYS: lease. ARGV: namespace, lease in ms, mutations (packMutations). Reply: 1, or 0 when the lease is lost.
 */
export const loadChunk = defineScript(`${PUT_ALL_LUA}
if redis.call('PEXPIRE', KEYS[1], ARGV[2]) == 0 then return 0 end
put_all(ARGV[1], ARGV[3])
return 1
`);

/**
 * Guarantees: of concurrent rebuilds of one generation exactly one takes its place, and at once with all that it wrote.
 *
 * KEYS: generation, lease. ARGV: the generation to replace or '', the new one, its namespace, applied, zxid, root of the
 * instance's keys, format, checksum of the state. A generation without a state is none.
 * Reply: 1, or 0 when another was faster or the lease is lost.
 */
export const switchGeneration = defineScript(`
local current = redis.call('GET', KEYS[1]) or ''
if current ~= '' and redis.call('HEXISTS', ARGV[6] .. current .. ':state', 'applied') == 0 then current = '' end
if current ~= ARGV[1] then return 0 end
if redis.call('DEL', KEYS[2]) == 0 then return 0 end
redis.call('HSET', ARGV[3] .. 'state', 'applied', ARGV[4], 'zxid', ARGV[5], 'format', ARGV[7], 'sum', ARGV[8])
redis.call('SET', KEYS[1], ARGV[2])
return 1
`);

/**
 * Guarantees: a damaged namespace counts no longer, as if the store had been wiped; one that took its place stays.
 *
 * KEYS: generation. ARGV: the damaged one. Reply: 1, or 0 when it does not count any more.
 */
export const condemn = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/**
 * Guarantees: the state is given up only as it was seen; whatever was applied since stays.
 *
 * KEYS: generation. ARGV: root of the instance's keys, generation, applied. Reply: 1, or 0 when the state is another.
 */
export const fallAsleep = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
if redis.call('HGET', ARGV[1] .. ARGV[2] .. ':state', 'applied') ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], 'asleep:' .. ARGV[3])
return 1
`);

/**
 * Guarantees: a namespace is only called garbage when it is neither current nor being filled; it will never be again.
 *
 * KEYS: generation, lease. ARGV: the namespace's generation. Reply: 1 for garbage.
 */
export const isGarbage = defineScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
return 1
`);
