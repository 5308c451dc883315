import { defineScript } from '../script.ts';
import { ATOMIC_LIST_LUA } from './atomic-list-lua.ts';

/**
 * Guarantees: the element gets its new value only if it still has the expected one; its place stays the same.
 *
 * KEYS: list. ARGV: element's key, expected value, new value. Reply: 1, or 0 when it was changed or removed.
 */
export const atomicListReplace = defineScript(`${ATOMIC_LIST_LUA}
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known or string.sub(known, 9) ~= ARGV[2] then return 0 end
list_put(KEYS[1], { ARGV[1], ARGV[3] })
return 1
`);
