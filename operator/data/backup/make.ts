import type { Clock, Random, UserStorage } from '@faaskeeper/functions/core';
import { Hold, type Keyed, type Part, withCheckpoint, writeParts } from '@faaskeeper/functions/core/checkpoint';
import { storageKeys } from '@faaskeeper/protocol';
import { DataError } from '../errors.ts';
import { recording } from './checked.ts';
import { type BackupKeys, type BackupManifest, type BackupPart, newManifest } from './format.ts';
import { readBackup, requireBackup } from './read.ts';
import { type Tree, TreeCounter, treeOfCheckpoint } from './tree.ts';

export interface MakeBackup {
  readonly source: { readonly objects: UserStorage; readonly storagePrefix: string };
  readonly destination: { readonly objects: UserStorage; readonly keys: BackupKeys };
  readonly instance: string;
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Copies the newest checkpoint's tree, exact at its sequence, however much is written meanwhile. Killed anywhere, it
 * leaves no manifest, and thus no backup; begun again under its name, it is made anew.
 */
export async function makeBackup(make: MakeBackup): Promise<BackupManifest> {
  const { source, destination, clock } = make;
  const known = await readBackup(destination.objects, destination.keys);
  if (known !== undefined) return known;
  const begun = new Date(clock.now()).toISOString();
  const keys = storageKeys(source.storagePrefix);
  const hold = new Hold({ ...make, objects: source.objects }, keys);
  await hold.keep();
  try {
    const content = await withCheckpoint(source.objects, keys, async (manifest, exists) => {
      if (!exists)
        throw new DataError(
          'NothingCommitted',
          `Instance ${make.instance} was never used: there is nothing to back up`,
        );
      return await copy(make, treeOfCheckpoint(source.objects, keys, manifest), hold);
    });
    const { instance, name } = make;
    const completed = new Date(clock.now()).toISOString();
    const manifest = newManifest({ instance, name, begun, completed, ...content });
    return await settle(destination, manifest);
  } finally {
    await hold.release().catch(() => {});
  }
}

async function copy({ destination, random, signal }: MakeBackup, tree: Tree, hold: Hold) {
  const counter = new TreeCounter();
  const sha256s = new Map<string, string>();
  const objects = recording(destination.objects, async (key, sha256) => {
    signal?.throwIfAborted();
    await hold.keep();
    sha256s.set(key, sha256);
  });
  const write = async (values: AsyncIterable<Keyed>): Promise<BackupPart[]> => {
    const parts = await writeParts({ objects, random }, destination.keys, { sequence: tree.sequence, values });
    return parts.map((part: Part) => ({
      ...part,
      sha256: sha256s.get(destination.keys.checkpointPart(part.id)) ?? '',
    }));
  };
  const kept = await write(counter.through(tree.content('kept')));
  const data = await write(tree.content('data'));
  const size = [...kept, ...data].reduce((sum, { bytes }) => sum + bytes, 0);
  return { sequence: tree.sequence, zxid: tree.zxid, ...counter.counts, size, kept, data };
}

/** Of several who make it at once one is first: only it removes what is not its own. */
async function settle({ objects, keys }: MakeBackup['destination'], manifest: BackupManifest): Promise<BackupManifest> {
  const named = new Set([...manifest.kept, ...manifest.data].map(({ id }) => keys.checkpointPart(id)));
  const document = new TextEncoder().encode(JSON.stringify(manifest));
  const { outcome } = await objects.put(keys.manifest, document, { absent: true });
  if (outcome === 'conflict') {
    await objects.delete([...named]);
    return await requireBackup(objects, keys);
  }
  for await (const page of objects.list(keys.checkpointPart(''))) {
    const others = page.filter((key) => !named.has(key));
    if (others.length > 0) await objects.delete(others);
  }
  return manifest;
}
