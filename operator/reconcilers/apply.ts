import { createHash } from 'node:crypto';
import { ANNOTATIONS } from '../api/index.ts';
import type { KubernetesObject, Manifest, ResourceType } from '../kubernetes/index.ts';
import type { Outside } from './ports.ts';

type Applying = Pick<Outside, 'cluster' | 'view'>;

/**
 * Makes an object as the manifest says, and costs nothing when it is so already: its digest tells of changes of ours,
 * its content of those of others.
 */
export async function ensure<T extends KubernetesObject>(
  { cluster, view }: Applying,
  type: ResourceType<T>,
  { manifest, live }: { readonly manifest: Manifest; readonly live: KubernetesObject | undefined },
): Promise<{ readonly changed: boolean; readonly drifted: boolean }> {
  const digest = createHash('sha256').update(JSON.stringify(manifest)).digest('hex').slice(0, 32);
  const ours = live?.metadata.annotations?.[ANNOTATIONS.applied] === digest;
  if (live !== undefined && ours && contains(live, manifest)) return { changed: false, drifted: false };
  const annotations = { ...manifest.metadata.annotations, [ANNOTATIONS.applied]: digest };
  const applied = await cluster.apply(type, { ...manifest, metadata: { ...manifest.metadata, annotations } });
  view.learn(type, applied);
  return { changed: true, drifted: ours };
}

/** Removes an object, and does not wait for the watch to tell of it. */
export async function remove(
  { cluster }: Pick<Outside, 'cluster'>,
  type: ResourceType,
  live: KubernetesObject,
): Promise<void> {
  if (live.metadata.deletionTimestamp === undefined) await cluster.delete(type, live);
}

/** Does `live` have all that `wanted` says? Lists must be equally long: what others added to them is not wanted. */
export function contains(live: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) {
    if (!Array.isArray(live) || live.length !== wanted.length) return false;
    return wanted.every((one, index) => contains(live[index], one));
  }
  if (typeof wanted === 'object' && wanted !== null) {
    if (typeof live !== 'object' || live === null) return false;
    return Object.entries(wanted).every(
      ([key, value]) => value === undefined || contains((live as Record<string, unknown>)[key], value),
    );
  }
  return live === wanted;
}
