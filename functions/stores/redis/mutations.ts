import type { Mutation } from '../../core/ports.ts';
import { isKeptInSystemStore } from '../../core/tables.ts';
import { withChecksum } from './checked.ts';
import { groupKey, isList } from './keys.ts';
import { type Packable, pack } from './pack.ts';
import { ATOMIC_LIST_LUA } from './primitives/atomic-list-lua.ts';

/**
 * Mutations as one argument of a script, MessagePack: a list of groups, each [key within the namespace, is a list,
 * [key, value, key, value, ...], [removed key, ...]]. One argument, because Redis bounds their number at about a
 * million, and reading each costs more than decoding all. Each value has its checksum behind it. Of several mutations of one address the last counts.
 */
export function packMutations(mutations: readonly Mutation[]): Buffer {
  const groups = new Map<string, { list: boolean; values: Map<string, Uint8Array | null> }>();
  for (const { table, group, key, value } of mutations) {
    if (!isKeptInSystemStore(table)) continue;
    const name = groupKey(table, group);
    let changes = groups.get(name);
    if (changes === undefined) {
      changes = { list: isList(table), values: new Map() };
      groups.set(name, changes);
    }
    changes.values.set(key, value);
  }
  const packed: Packable[] = [];
  for (const [name, { list, values }] of groups) {
    const puts: (string | Uint8Array)[] = [];
    const removals: string[] = [];
    for (const [key, value] of values) {
      if (value === null) removals.push(key);
      else puts.push(key, withChecksum(key, value));
    }
    packed.push([name, list, puts, removals]);
  }
  return pack(packed);
}

/** Lua: put_all(namespace, packed) does what packMutations has packed. */
export const PUT_ALL_LUA = `${ATOMIC_LIST_LUA}
local function put_all(namespace, packed)
  for _, group in ipairs(cmsgpack.unpack(packed)) do
    local key, list, puts, removals = namespace .. group[1], group[2], group[3], group[4]
    if #puts > 0 then
      if list then list_put(key, puts) else in_chunks('HSET', key, puts) end
    end
    if #removals > 0 then
      if list then list_remove(key, removals) else in_chunks('HDEL', key, removals) end
    end
  end
end
`;
