import { defineScript } from '../script.ts';
import { ATOMIC_LIST_LUA } from './atomic-list-lua.ts';

/**
 * Guarantees: none of these elements is in the list; the others keep their order. All in one step.
 *
 * KEYS: list. ARGV: keys of elements. Reply: how many were there.
 */
export const atomicListRemove = defineScript(`${ATOMIC_LIST_LUA}
local before = redis.call('HLEN', KEYS[1])
if before == 0 then return 0 end
list_remove(KEYS[1], ARGV)
local after = redis.call('HLEN', KEYS[1])
if after == 0 then return before - 1 end
return before - after
`);
