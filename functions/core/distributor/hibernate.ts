import type { StorageKeys } from '@faaskeeper/protocol';
import { contentOf, withCheckpoint } from '../checkpoint/rebuild.ts';
import type { Outside } from '../ports.ts';

/**
 * Drops the applied state if the newest checkpoint, which is read to its end first, has all of it, and LOG has no more:
 * the next request rebuilds it. A write meanwhile wins. True: the store holds nothing, on purpose.
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
    for await (const _ of contentOf(objects, keys, manifest, 'kept'));
    if ((await log.bounds()).last !== applied) return false;
    return await system.hibernate({ generation, applied });
  });
}
