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
 * KEYS: generation, lease. ARGV: the generation to replace or '', the new one, its namespace, applied, zxid.
 * Reply: 1, or 0 when another was faster or the lease is lost.
 */
export const switchGeneration = defineScript(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if redis.call('DEL', KEYS[2]) == 0 then return 0 end
redis.call('HSET', ARGV[3] .. 'state', 'applied', ARGV[4], 'zxid', ARGV[5])
redis.call('SET', KEYS[1], ARGV[2])
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
