import { DamagedError, HaltedError, type StorageKeys } from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import type { Mutation, SystemStore, UserStorage } from '../ports.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { type Keyed, merge, PartGoneError, readParts } from './runs.ts';

/** All values of one section of a checkpoint, sorted, without what was removed. */
export function contentOf(
  objects: UserStorage,
  keys: StorageKeys,
  manifest: Manifest,
  section: 'kept' | 'data',
): AsyncGenerator<Keyed> {
  const sources = manifest.runs.map((run) => readParts(objects, keys, run[section]));
  return merge(sources, { dropNulls: true });
}

/** The same between two sort keys, both included: only the parts that can hold some of it are read. */
export async function* contentBetween(
  objects: UserStorage,
  keys: StorageKeys,
  range: { manifest: Manifest; section: 'kept' | 'data'; from: string; to: string },
): AsyncGenerator<Keyed> {
  const { manifest, section, from, to } = range;
  const sources = manifest.runs.map((run) => {
    const parts = run[section];
    const wanted = parts.filter(({ first }, i) => first <= to && (parts[i + 1]?.first ?? `${to}\uffff`) > from);
    return readParts(objects, keys, wanted);
  });
  for await (const keyed of merge(sources, { dropNulls: true })) {
    if (keyed.key > to) return;
    if (keyed.key >= from) yield keyed;
  }
}

/**
 * Runs `use` with the newest checkpoint, again when a newer one took its parts away meanwhile.
 *
 * @throws DamagedError when the newest checkpoint is not whole.
 */
export async function withCheckpoint<T>(
  objects: UserStorage,
  keys: StorageKeys,
  use: (manifest: Manifest, exists: boolean) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const { manifest, etag } = await readManifest(objects, keys);
    try {
      return await use(manifest, etag !== undefined);
    } catch (cause) {
      if (!(cause instanceof PartGoneError)) throw cause;
      const now = await readManifest(objects, keys);
      if (now.etag === etag) throw new DamagedError('User storage lost a part of the checkpoint', { cause });
      if (attempt >= BOUNDS.raceAttempts) throw cause;
    }
  }
}

/**
 * The same for whom there is nothing else.
 *
 * @throws HaltedError when the newest checkpoint is not whole.
 */
export async function withWholeCheckpoint<T>(...args: Parameters<typeof withCheckpoint<T>>): Promise<T> {
  try {
    return await withCheckpoint(...args);
  } catch (cause) {
    if (!(cause instanceof DamagedError)) throw cause;
    throw new HaltedError(`Nothing can be rebuilt: ${cause.message} Restore a backup`, { cause });
  }
}

/**
 * Fills the system store from the newest checkpoint (an empty one where there is none) and switches to it, unless its
 * generation is not `replaces` any more. The caller rolls forward with LOG from there.
 *
 * @throws HaltedError when the newest checkpoint is not whole: nothing else has what it held.
 */
export async function rebuildSystemStore(
  { system, objects }: { system: SystemStore; objects: UserStorage },
  keys: StorageKeys,
  replaces: string | undefined,
): Promise<'switched' | 'lost'> {
  return await withWholeCheckpoint(objects, keys, async (manifest) => {
    const content = inPages(contentOf(objects, keys, manifest, 'kept'), BOUNDS.rebuildMutations);
    return await system.rebuild(replaces, { applied: manifest.sequence, zxid: manifest.zxid }, content);
  });
}

async function* inPages(values: AsyncIterable<Keyed>, size: number): AsyncGenerator<readonly Mutation[]> {
  let page: Mutation[] = [];
  for await (const { mutation } of values) {
    page.push(mutation);
    if (page.length < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
