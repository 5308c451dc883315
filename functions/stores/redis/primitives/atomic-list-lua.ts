import { IN_CHUNKS } from '../script.ts';

/**
 * How an atomic list lies in Redis: one hash. Each element is a field (its key) whose value begins with the element's
 * position, eight bytes, most significant first; the field '' holds the last position given. So every operation on an
 * element costs the same whatever the length of the list, and reading all restores the order.
 *
 * Lua for all scripts that change lists. `pairs_` is a flat table: key, value, key, value.
 */
export const ATOMIC_LIST_LUA = `${IN_CHUNKS}
-- Puts elements: new ones at the end, known ones with a new value at their old position.
local function list_put(list, pairs_)
  local count = #pairs_ / 2
  local fields = {}
  for first = 1, count, 4000 do
    local keys = {}
    for i = first, math.min(first + 3999, count) do keys[#keys + 1] = pairs_[2 * i - 1] end
    local known = redis.call('HMGET', list, unpack(keys))
    local fresh = 0
    for i = 1, #keys do if not known[i] then fresh = fresh + 1 end end
    local position = fresh > 0 and redis.call('HINCRBY', list, '', fresh) - fresh or 0
    for i, key in ipairs(keys) do
      local prefix
      if known[i] then
        prefix = string.sub(known[i], 1, 8)
      else
        position = position + 1
        prefix = struct.pack('>I8', position)
      end
      fields[#fields + 1] = key
      fields[#fields + 1] = prefix .. pairs_[2 * (first + i - 1)]
    end
  end
  in_chunks('HSET', list, fields)
end

-- Removes elements; an empty list leaves nothing behind.
local function list_remove(list, keys)
  in_chunks('HDEL', list, keys)
  if redis.call('HLEN', list) == 1 and redis.call('HEXISTS', list, '') == 1 then redis.call('DEL', list) end
end
`;

/** Bytes of the position before each value. */
export const POSITION_BYTES = 8;
