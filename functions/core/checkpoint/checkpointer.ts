import { DamagedError, frame, HaltedError, type StorageKeys, unframe } from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import { reportFault, reportRepair } from '../faults.ts';
import { MissingPartError, sequencedId, sequenceOfId } from '../log-parts.ts';
import { expectInLog, readLog } from '../log-reader.ts';
import { LogTrimmedError, type Outside } from '../ports.ts';
import { checkpointAnew } from './anew.ts';
import { Fold } from './fold.ts';
import { isHeld } from './hold.ts';
import {
  lookAtManifest,
  type Manifest,
  NO_CHECKPOINT,
  putManifest,
  type Run,
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

  /**
   * Brings the checkpoint up to the stored watermark, trims LOG and removes what is past. One that is damaged, or does
   * not go together with LOG any more, is made anew.
   */
  async run(): Promise<Manifest> {
    let made = 0;
    for (let races = 0; ; ) {
      const target = await this.#lane.storedSequence();
      const base = await lookAtManifest(this.#outside.objects, this.#keys);
      const damage = base.damage ?? (await this.#lossOf(base));
      if (damage !== undefined) {
        if (await this.#anew(base, damage)) made++;
        else races++;
        continue;
      }
      if (base.manifest.sequence >= target || races >= BOUNDS.raceAttempts) {
        return await this.#finish(base.manifest, target, made > 0);
      }
      try {
        if (await this.#step(base, target)) made++;
        else races++;
      } catch (error) {
        // Also happens when another checkpoint got ahead.
        if (!isDamage(error)) throw error;
        const now = await lookAtManifest(this.#outside.objects, this.#keys);
        if (now.etag === base.etag && (await this.#anew(base, error))) made++;
        else races++;
      }
    }
  }

  /** The pointer is gone although LOG has been trimmed, or parts are gone that it names. */
  async #lossOf(base: StoredManifest): Promise<PartGoneError | undefined> {
    const { objects } = this.#outside;
    if (base.etag === undefined) {
      const { first } = await this.#outside.log.bounds();
      return first > 1 ? new PartGoneError(`LOG begins at ${first}, and there is no checkpoint`) : undefined;
    }
    const prefix = this.#keys.checkpointPart('');
    const named = namedParts(base.manifest);
    for await (const page of objects.list(prefix)) for (const key of page) named.delete(key.slice(prefix.length));
    if (named.size === 0) return undefined;
    // Another checkpoint may have replaced this one meanwhile.
    const now = await lookAtManifest(objects, this.#keys);
    return now.etag === base.etag ? new PartGoneError(`User storage lost ${[...named].join(', ')}`) : undefined;
  }

  async #anew(base: StoredManifest, err: unknown): Promise<boolean> {
    reportFault(this.#outside, 'checkpoint-damaged', { err }, 'the checkpoint is damaged or lost: it is made anew');
    const manifest = await checkpointAnew(this.#outside, this.#keys, this.#lane);
    const over = { ...base, manifest: NO_CHECKPOINT };
    const won = await this.#put(over, manifest);
    const { sequence } = manifest;
    reportRepair(this.#outside, 'checkpoint', { sequence, won }, 'a checkpoint is made of the applied state');
    return won;
  }

  #put(over: StoredManifest, manifest: Manifest): Promise<boolean> {
    return putManifest(this.#outside.objects, this.#keys, {
      over,
      manifest,
      attempts: BOUNDS.objectAttempts,
      pause: (attempt) => this.#lane.pause(attempt),
    });
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
    const won = await this.#put(base, manifest);
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
    const named = namedParts(manifest);
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

function namedParts({ runs, tombstones }: Manifest): Set<string> {
  const parts = runs.flatMap(({ kept, data }) => [...kept, ...data]);
  return new Set([...parts, ...tombstones].map(({ id }) => id));
}

/** What a checkpoint builds on is not there as it should be. */
function isDamage(error: unknown): boolean {
  if (error instanceof LogTrimmedError || error instanceof PartGoneError || error instanceof DamagedError) return true;
  return (
    error instanceof HaltedError && (error.cause instanceof DamagedError || error.cause instanceof MissingPartError)
  );
}

async function* iterate(values: readonly Keyed[]): AsyncGenerator<Keyed> {
  yield* values;
}
