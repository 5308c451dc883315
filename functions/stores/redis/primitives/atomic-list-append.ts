import { defineScript } from '../script.ts';
import { ATOMIC_LIST_LUA } from './atomic-list-lua.ts';

/**
 * Guarantees: the element is at the end of the list, unless one with its key was in the list: then nothing changes.
 *
 * KEYS: list. ARGV: element's key, value. Reply: 1 when appended, 0 when the key was there.
 */
export const atomicListAppend = defineScript(`${ATOMIC_LIST_LUA}
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
list_put(KEYS[1], { ARGV[1], ARGV[2] })
return 1
`);
