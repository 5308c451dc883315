import { RECORD_TAG_BYTES } from '@faaskeeper/protocol';
import { defineScript } from './script.ts';

/**
 * Guarantees: records change only in a storage that has everything that their writer built on, and each only over the
 * version that it was decided on (invariant 9).
 *
 * KEYS: state, then the records. ARGV: state as it must be, state as it is then, the same if all conditions held, then
 * for each record: a condition ('any', 'absent', or the tag of the version that it replaces) and the record.
 * Reply: 'lost', or a list with 1 for each record that was put, 0 for one whose condition did not hold.
 */
export const putRecords = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'lost' end
local outcomes, all = {}, true
for i = 2, #KEYS do
  local condition = ARGV[2 * i]
  local holds = condition == 'any'
  if condition == 'absent' then
    holds = redis.call('EXISTS', KEYS[i]) == 0
  elseif not holds then
    holds = redis.call('GETRANGE', KEYS[i], 0, ${RECORD_TAG_BYTES - 1}) == condition
  end
  if holds then redis.call('SET', KEYS[i], ARGV[2 * i + 1]) else all = false end
  outcomes[i - 1] = holds and 1 or 0
end
redis.call('SET', KEYS[1], all and ARGV[3] or ARGV[2])
return outcomes
`);

/**
 * Guarantees: the state moves only from what its writer built on.
 *
 * KEYS: state. ARGV: state as it must be, the new one. Reply: 1, or 0 when it was another.
 */
export const moveState = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
`);

/**
 * Guarantees: a record is removed at one version only.
 *
 * KEYS: record. ARGV: tag of the version. Reply: 1 when it is gone, 0 when it is another or was gone before.
 */
export const removeRecord = defineScript(`
if redis.call('GETRANGE', KEYS[1], 0, ${RECORD_TAG_BYTES - 1}) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);
