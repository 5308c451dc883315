import { frame, type StorageKeys, unframe } from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import { sequencedId, sequenceOfId } from '../log-parts.ts';
import { expectInLog, readLog } from '../log-reader.ts';
import { LogTrimmedError, type Outside } from '../ports.ts';
import { Fold } from './fold.ts';
import { isHeld } from './hold.ts';
import {
  type Manifest,
  putManifest,
  type Run,
  readManifest,
  type StoredManifest,
  type TombstoneList,
} from './manifest.ts';
import { type Keyed, merge, mergeFrom, PartGoneError, readParts, writeParts } from './runs.ts';

const TOMBSTONES_VERSION = 1;

/** What the distributor does for a checkpoint, in its lane. */
export interface Lane {
  /** Stored watermark: nothing after it is folded or trimmed. */
  storedSequence(): Promise<number>;
  /** Removes the tombstones of these paths whose zxid is at most `zxid`; false: this store never deletes so. */
  sweep(paths: readonly string[], zxid: number): Promise<boolean>;
  pause(attempt: number): Promise<void>;
}

/**
 * Makes checkpoints: n+1 = n + LOG, exact at its sequence (invariant 10). May be killed anywhere and run beside itself:
 * parts are immutable and named once, the manifest only moves forward by a conditional PUT, and what is removed is
 * decided by names that no later writer can use.
 */
export class Checkpointer {
  readonly #outside: Outside;
  readonly #keys: StorageKeys;
  readonly #lane: Lane;

  constructor(outside: Outside, keys: StorageKeys, lane: Lane) {
    this.#outside = outside;
    this.#keys = keys;
    this.#lane = lane;
  }

  /** Brings the checkpoint up to the stored watermark, trims LOG and removes what is past. */
  async run(): Promise<Manifest> {
    let made = 0;
    for (let races = 0; ; ) {
      const target = await this.#lane.storedSequence();
      const base = await readManifest(this.#outside.objects, this.#keys);
      if (base.manifest.sequence >= target || races >= BOUNDS.raceAttempts) {
        return await this.#finish(base.manifest, target, made > 0);
      }
      try {
        if (await this.#step(base, target)) made++;
        else races++;
      } catch (error) {
        // Both happen when another checkpoint got ahead; if it did not, the next round says so.
        if (!(error instanceof LogTrimmedError) && !(error instanceof PartGoneError)) throw error;
        const now = await readManifest(this.#outside.objects, this.#keys);
        if (now.etag === base.etag) throw error;
        races++;
      }
    }
  }

  /** One bounded piece of LOG; false when another checkpoint was faster. */
  async #step(base: StoredManifest, target: number): Promise<boolean> {
    const fold = new Fold();
    const from = base.manifest.sequence;
    let to = { sequence: from, zxid: base.manifest.zxid };
    let bytes = 0;
    for await (const page of readLog(this.#outside, this.#keys, { from: from + 1, to: target })) {
      for (const { sequence, entry, bytes: size } of page) {
        fold.add(entry);
        to = { sequence, zxid: entry.zxid };
        bytes += size;
      }
      if (bytes >= BOUNDS.foldBytes) break;
    }
    if (to.sequence === from) {
      await expectInLog(this.#outside, target, 'the stored watermark');
      return false;
    }
    const swept = await this.#sweep(base.manifest);
    const runs = await this.#extend(base.manifest.runs, { fold, to: to.sequence });
    const tombstones = await this.#listTombstones(fold.deleted, to);
    const kept = base.manifest.tombstones.filter(({ id }) => !swept.has(id));
    const manifest: Manifest = { ...to, runs, tombstones: [...kept, ...tombstones] };
    const won = await putManifest(this.#outside.objects, this.#keys, {
      over: base,
      manifest,
      attempts: BOUNDS.objectAttempts,
      pause: (attempt) => this.#lane.pause(attempt),
    });
    this.#outside.logger.info({ ...to, from, won, runs: runs.length }, 'checkpoint');
    return won;
  }

  /** The runs with what the fold adds; the newest that are small are merged, so that their number stays bounded. */
  async #extend(runs: readonly Run[], { fold, to }: { fold: Fold; to: number }): Promise<Run[]> {
    const values = fold.values();
    const size = (keyed: readonly Keyed[]) =>
      keyed.reduce((sum, k) => sum + k.key.length + (k.mutation.value?.length ?? 0), 0);
    const first = mergeFrom([...runs.map(({ bytes }) => bytes), size(values.kept) + size(values.data)]);
    const merged = runs.slice(first);
    const write = (section: 'kept' | 'data') => {
      const sources = merged.map((run) => readParts(this.#outside.objects, this.#keys, run[section]));
      const newest = iterate(values[section]);
      const all = merge([...sources, newest], { dropNulls: first === 0 });
      return writeParts(this.#outside, this.#keys, { sequence: to, values: all });
    };
    const kept = await write('kept');
    const data = await write('data');
    const bytes = [...kept, ...data].reduce((sum, part) => sum + part.bytes, 0);
    const from = merged[0]?.from ?? runs.at(-1)?.to ?? 0;
    return [...runs.slice(0, first), { from, to, bytes, kept, data }];
  }

  async #listTombstones(paths: readonly string[], to: { sequence: number; zxid: number }): Promise<TombstoneList[]> {
    const lists: TombstoneList[] = [];
    for (let at = 0; at < paths.length; at += BOUNDS.tombstonePaths) {
      const some = paths.slice(at, at + BOUNDS.tombstonePaths);
      const id = sequencedId(to.sequence, this.#outside.random);
      await this.#outside.objects.put(this.#keys.checkpointPart(id), frame(TOMBSTONES_VERSION, some));
      lists.push({ id, zxid: to.zxid, count: some.length, time: this.#outside.clock.now() });
    }
    return lists;
  }

  /** LOG is trimmed past everything that a manifest lists as soon as that manifest's own trim is done. */
  async #sweep(manifest: Manifest): Promise<Set<string>> {
    const done = new Set<string>();
    if (manifest.tombstones.length === 0) return done;
    await this.#trim(manifest.sequence, manifest.sequence);
    for (const { id, zxid, time } of manifest.tombstones) {
      if (this.#outside.clock.now() - time < BOUNDS.tombstoneMs) continue;
      const what = `Tombstone list ${id}`;
      const stored = await this.#outside.objects.get(this.#keys.checkpointPart(id));
      if (stored === undefined) throw new PartGoneError(`${what} is not in user storage`);
      const paths = unframe(TOMBSTONES_VERSION, stored.body, what).value;
      const canDelete = await this.#lane.sweep(Array.isArray(paths) ? paths.map(String) : [], zxid);
      if (!canDelete) return new Set(manifest.tombstones.map((list) => list.id));
      done.add(id);
    }
    return done;
  }

  async #finish(manifest: Manifest, stored: number, made: boolean): Promise<Manifest> {
    if (manifest.sequence === 0) return manifest;
    const trimmed = Math.min(manifest.sequence, stored);
    await this.#trim(manifest.sequence, stored);
    if (!made) return manifest;
    const named = new Set([
      ...manifest.runs.flatMap(({ kept, data }) => [...kept, ...data].map(({ id }) => id)),
      ...manifest.tombstones.map(({ id }) => id),
    ]);
    // What somebody reads stays until the first checkpoint after it.
    if (!(await isHeld(this.#outside, this.#keys))) {
      await this.#removePast(
        this.#keys.checkpointPart(''),
        (id, sequence) => sequence <= manifest.sequence && !named.has(id),
      );
    }
    await this.#removePast(this.#keys.logPart(''), (_id, sequence) => sequence <= trimmed);
    return manifest;
  }

  async #trim(checkpoint: number, stored: number): Promise<void> {
    const sequence = Math.min(checkpoint, stored);
    const { first } = await this.#outside.log.bounds();
    if (first <= sequence) await this.#outside.log.trim(sequence);
  }

  /**
   * Names begin with the sequence they were made for. A checkpoint's part of an older sequence that the manifest does
   * not name lost its race, or was merged; a LOG part's append can only have been at its sequence.
   */
  async #removePast(prefix: string, isPast: (id: string, sequence: number) => boolean): Promise<void> {
    for await (const page of this.#outside.objects.list(prefix)) {
      const past = page.filter((key) => {
        const id = key.slice(key.lastIndexOf('/') + 1);
        const sequence = sequenceOfId(id);
        return sequence !== undefined && isPast(id, sequence);
      });
      if (past.length > 0) await this.#outside.objects.delete(past);
    }
  }
}

async function* iterate(values: readonly Keyed[]): AsyncGenerator<Keyed> {
  yield* values;
}
