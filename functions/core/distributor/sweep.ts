import {
  DamagedError,
  decodeNodeObject,
  decodeNodeObjectAt,
  type NodeObject,
  type StorageKeys,
} from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import { sequenceOfId } from '../log-parts.ts';
import { inParallel } from '../parallel.ts';
import type { Outside, UserStorage } from '../ports.ts';
import { chunkIds } from './children.ts';

/**
 * Removes tombstones that LOG is trimmed past, by conditional deletes only (invariant 9): a node that was re-created
 * meanwhile is another version, and stays. False: this store does not delete conditionally, so none can be removed.
 */
export async function sweepTombstones(
  { objects, logger }: Outside,
  keys: StorageKeys,
  past: { paths: readonly string[]; zxid: number },
): Promise<boolean> {
  let canDelete = true;
  await inParallel(past.paths, BOUNDS.parallelObjects, async (path) => {
    for (const key of [keys.protectedNode(path), keys.node(path)]) {
      if (canDelete && !(await sweepOne(objects, { key, path, zxid: past.zxid }))) {
        canDelete = false;
        logger.warn({ key }, 'user storage has no conditional delete: tombstones stay');
      }
    }
  });
  return canDelete;
}

async function sweepOne(objects: UserStorage, at: { key: string; path: string; zxid: number }): Promise<boolean> {
  const stored = await objects.get(at.key);
  if (stored === undefined) return true;
  const object = ifWhole(() => decodeNodeObject(stored.body, at.path));
  // Damaged: the next change of the node, or the next who reads it, sees to that.
  if (object === undefined) return true;
  if (object.state !== 'absent' || object.zxid > at.zxid) return true;
  if ((await objects.deleteIf(at.key, stored.etag)) === 'deleted') return true;
  // Kept because it changed, or because the store never deletes so?
  const now = await objects.get(at.key);
  return now?.etag !== stored.etag;
}

/**
 * Removes chunks, and data with an object of its own, that a killed distributor left behind: not named by their node's
 * object, and older than what LOG is trimmed to, as that object is. Their ids begin with the zxid they were made for.
 */
export async function sweepOrphans({ objects }: Outside, keys: StorageKeys, trimmedZxid: number): Promise<void> {
  const folder = (key: string, levels: number) => key.split('/').slice(0, -levels).join('/');
  const places = [
    ...[keys.chunk, keys.data].map((key) => ({ parts: folder(key('/', ''), 2), nodes: folder(keys.node('/'), 1) })),
    ...[keys.protectedChunk, keys.protectedData].map((key) => ({
      parts: folder(key('/', ''), 2),
      nodes: folder(keys.protectedNode('/'), 1),
    })),
  ];
  for (const { parts, nodes } of places) {
    for await (const page of objects.list(`${parts}/`)) {
      const byNode = Map.groupBy(page, (key) => key.slice(parts.length + 1, key.lastIndexOf('/')));
      await inParallel(byNode, BOUNDS.parallelObjects, async ([digest, partKeys]) => {
        const named = await namedParts(objects, `${nodes}/${digest}`, trimmedZxid);
        if (named === undefined) return;
        const orphans = partKeys.filter((key) => {
          const id = key.slice(key.lastIndexOf('/') + 1);
          const zxid = sequenceOfId(id);
          return zxid !== undefined && zxid <= trimmedZxid && !named.has(id);
        });
        if (orphans.length > 0) await objects.delete(orphans);
      });
    }
  }
}

function ifWhole(decoded: () => NodeObject): NodeObject | undefined {
  try {
    return decoded();
  } catch (error) {
    if (error instanceof DamagedError) return undefined;
    throw error;
  }
}

/** undefined: the node is damaged, or has changed since, so that readers may still be on their way to what it named before. */
async function namedParts(objects: UserStorage, key: string, trimmedZxid: number): Promise<Set<string> | undefined> {
  const stored = await objects.get(key);
  if (stored === undefined) return new Set();
  const object = ifWhole(() => decodeNodeObjectAt(stored.body, key));
  if (object === undefined || object.zxid > trimmedZxid) return undefined;
  if (object.state !== 'node') return new Set();
  const { children, dataId } = object;
  return new Set([...chunkIds(children), ...(dataId === undefined ? [] : [dataId])]);
}
