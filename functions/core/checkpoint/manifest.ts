import { DamagedError, frame, HaltedError, type StorageKeys, unframeAs } from '@faaskeeper/protocol';
import * as v from 'valibot';
import type { PutCondition, UserStorage } from '../ports.ts';

const VERSION = 1;
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

/** An immutable object of values sorted by address; `first` is the least of them. */
const partSchema = v.object({ id: v.string(), first: v.string(), count: whole, bytes: whole });
export type Part = v.InferOutput<typeof partSchema>;

/** What LOG messages (from, to] changed, as sorted values: those that the system store keeps, and the data. */
const runSchema = v.object({
  from: whole,
  to: whole,
  bytes: whole,
  kept: v.array(partSchema),
  data: v.array(partSchema),
});
export type Run = v.InferOutput<typeof runSchema>;

/** Paths deleted in a stretch of LOG that ends with `zxid`, whose tombstones are to be removed. `time`: when, ms. */
const tombstonesSchema = v.object({ id: v.string(), zxid: whole, count: whole, time: whole });
export type TombstoneList = v.InferOutput<typeof tombstonesSchema>;

const manifestSchema = v.object({
  sequence: whole,
  zxid: whole,
  /** Oldest first; together they cover (0, sequence] without gaps. */
  runs: v.array(runSchema),
  tombstones: v.array(tombstonesSchema),
});
/** The newest checkpoint: the applied state exactly as of `sequence`, as runs of which the newer win. */
export type Manifest = v.InferOutput<typeof manifestSchema>;

export const NO_CHECKPOINT: Manifest = { sequence: 0, zxid: 0, runs: [], tombstones: [] };

export interface StoredManifest {
  readonly manifest: Manifest;
  /** undefined: none is stored. */
  readonly etag: string | undefined;
}

/** @throws DamagedError, NewerFormatError */
export async function readManifest(objects: UserStorage, keys: StorageKeys): Promise<StoredManifest> {
  const { damage, ...stored } = await lookAtManifest(objects, keys);
  if (damage !== undefined) throw damage;
  return stored;
}

/**
 * As readManifest, also where it is damaged: as if there was no checkpoint, with the tag of what there is.
 *
 * @throws NewerFormatError
 */
export async function lookAtManifest(
  objects: UserStorage,
  keys: StorageKeys,
): Promise<StoredManifest & { readonly damage?: DamagedError }> {
  const stored = await objects.get(keys.checkpoint);
  if (stored === undefined) return { manifest: NO_CHECKPOINT, etag: undefined };
  try {
    return { manifest: decodeManifest(stored.body, keys), etag: stored.etag };
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    return { manifest: NO_CHECKPOINT, etag: stored.etag, damage: error };
  }
}

function decodeManifest(body: Uint8Array, keys: StorageKeys): Manifest {
  const what = `The checkpoint ${keys.checkpoint}`;
  const manifest = unframeAs(manifestSchema, VERSION, body, what);
  let at = 0;
  for (const run of manifest.runs) {
    if (run.from !== at) throw new DamagedError(`${what} has a gap from ${at} to ${run.from}`);
    at = run.to;
  }
  if (at !== manifest.sequence) throw new DamagedError(`${what} is of ${manifest.sequence} and ends at ${at}`);
  return manifest;
}

/**
 * Moves the pointer forward; false when another checkpoint has been made since `over` was read. A PUT without an answer
 * is settled by reading: only when the pointer has left `over` can a late one of ours not take effect any more.
 */
export async function putManifest(
  objects: UserStorage,
  keys: StorageKeys,
  move: { over: StoredManifest; manifest: Manifest; attempts: number; pause: (attempt: number) => Promise<void> },
): Promise<boolean> {
  const { over, manifest } = move;
  if (manifest.sequence < over.manifest.sequence) throw new HaltedError('A checkpoint only moves forward');
  const condition: PutCondition = over.etag === undefined ? { absent: true } : { ifMatch: over.etag };
  const body = frame(VERSION, manifest);
  for (let attempt = 1; ; attempt++) {
    try {
      const { outcome } = await objects.put(keys.checkpoint, body, condition);
      if (outcome === 'written') return true;
      const now = await lookAtManifest(objects, keys);
      return isSame(now.manifest, manifest);
    } catch (error) {
      if (attempt >= move.attempts) throw error;
      await move.pause(attempt);
    }
  }
}

/** Ids of parts are unique, so the newest run tells. */
function isSame(a: Manifest, b: Manifest): boolean {
  const last = (manifest: Manifest) => JSON.stringify([manifest.sequence, manifest.runs.at(-1), manifest.tombstones]);
  return last(a) === last(b);
}
