import { defineScript } from './script.ts';

/**
 * Guarantees: the state, the values and the groups are of one moment (invariant 3).
 *
 * KEYS: generation. ARGV: root of the instance's keys; MessagePack of [[group key, [key, ...]], ...] for values and
 * [group key, ...] for whole groups. Reply: nil for an empty store, 'asleep:<applied>' for one that was emptied on purpose, else [generation, [applied, zxid, format, sum], [[value or nil,
 * ...], ...], [[field, value, field, value, ...], ...]].
 */
export const readValues = defineScript(`
local generation = redis.call('GET', KEYS[1])
if not generation then return false end
if string.sub(generation, 1, 7) == 'asleep:' then return generation end
local namespace = ARGV[1] .. generation .. ':'
local state = redis.call('HMGET', namespace .. 'state', 'applied', 'zxid', 'format', 'sum')
if not state[1] then return false end
local wanted = cmsgpack.unpack(ARGV[2])
local values = {}
for i, group in ipairs(wanted[1]) do
  local key, fields, found = namespace .. group[1], group[2], {}
  for first = 1, #fields, 4000 do
    local some = redis.call('HMGET', key, unpack(fields, first, math.min(first + 3999, #fields)))
    for j = 1, #some do found[first + j - 1] = some[j] end
  end
  values[i] = found
end
local groups = {}
for i, key in ipairs(wanted[2]) do groups[i] = redis.call('HGETALL', namespace .. key) end
return { generation, state, values, groups }
`);
