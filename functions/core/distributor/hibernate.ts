import { decode, type StorageKeys } from '@faaskeeper/protocol';
import { contentOf, withCheckpoint } from '../checkpoint/rebuild.ts';
import type { SessionRecord } from '../log-entry.ts';
import type { Mutation, Outside } from '../ports.ts';

/**
 * Drops the applied state if the newest checkpoint, which is read to its end first, has all of it, LOG has no more, and
 * nobody must know of what is in it: the next request rebuilds it. A write meanwhile wins. True: the store holds nothing,
 * on purpose.
 *
 * @throws DamagedError when the checkpoint is not whole.
 */
export async function hibernate(outside: Outside, keys: StorageKeys): Promise<boolean> {
  const { system, log, objects } = outside;
  const { state, asleep } = await system.read([]);
  if (state === undefined) return asleep !== undefined;
  const { generation, applied } = state;
  return await withCheckpoint(objects, keys, async (manifest) => {
    if (manifest.sequence !== applied) return false;
    for await (const { mutation } of contentOf(objects, keys, manifest, 'kept')) {
      if (mustBeKnown(mutation)) return false;
    }
    if ((await log.bounds()).last !== applied) return false;
    return await system.hibernate({ generation, applied });
  });
}

/** The trigger must know of it without a request; one that has just taken the instance over may not yet. */
function mustBeKnown({ table, value }: Mutation): boolean {
  if (table === 'registration' || table === 'timed') return true;
  return table === 'session' && value !== null && (decode(value, 'session') as SessionRecord).ended === 0;
}
