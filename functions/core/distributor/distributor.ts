import {
  decode,
  encode,
  HaltedError,
  type InstanceSpec,
  type RegistrationInfo,
  type StorageKeys,
  SystemError,
  storageKeys,
  subjects,
  type Watermark,
} from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import { Checkpointer } from '../checkpoint/checkpointer.ts';
import { lookAtManifest } from '../checkpoint/manifest.ts';
import { withWholeCheckpoint } from '../checkpoint/rebuild.ts';
import { coalesce, type NodeChange, publicChanges } from '../coalesce.ts';
import { reportFault } from '../faults.ts';
import type {
  CheckpointAnswer,
  CheckpointInvocation,
  TransactionsAnswer,
  TransactionsInvocation,
} from '../invocations.ts';
import { expectInLog, readLog, readTrimmable, type SequencedEntry } from '../log-reader.ts';
import { backOff, inParallel, Mutex } from '../parallel.ts';
import { type Coverage, LogTrimmedError, type Outside, OvertakenError, type Position } from '../ports.ts';
import { rollForward } from '../roll-forward.ts';
import { StoredWatermark } from '../stored-watermark.ts';
import { stage } from '../tracing.ts';
import { changeMessages, type SeenChange, systemMessages, systemWatermarkOf, watermarkOf } from './feed.ts';
import { hibernate } from './hibernate.ts';
import { NodeSource } from './node-source.ts';
import { NodeWriter, type Written } from './node-writer.ts';
import { ObjectCache } from './object-cache.ts';
import { redistribute } from './redistribute.ts';
import { type Match, matchRegistrations, Registrations } from './registrations.ts';
import { Superseded } from './superseded.ts';
import { sweepOrphans, sweepTombstones } from './sweep.ts';

const NOTHING: Position = { sequence: 0, zxid: 0 };

/**
 * Makes committed transactions visible, in order: user storage, then the change feed, then the watermark (invariants 6
 * to 9). Keeps nothing that matters: it may be killed anywhere, called twice, late, and beside another of its kind.
 */
export class Distributor {
  readonly #outside: Outside;
  readonly #spec: InstanceSpec;
  readonly #keys: StorageKeys;
  readonly #names: ReturnType<typeof subjects>;
  readonly #lane = new Mutex();
  readonly #checkpoints = new Mutex();
  readonly #watermark: StoredWatermark;
  readonly #cache: ObjectCache;
  readonly #writer: NodeWriter;
  readonly #superseded = new Superseded();
  /** Where user storage may lose what was written. */
  readonly #coverage: Coverage | undefined;
  /** Everything up to here is visible and published; undefined before the start. */
  #position: Position | undefined;
  /** Everything up to here was published before, by whomever. */
  #published = NOTHING;
  #registrations = new Registrations();
  #checkpointed = 0;
  #bytesSinceCheckpoint = 0;
  /** Of the invocation under way: changes, and the objects that they became. */
  #work = { changes: 0, objects: 0 };
  #confirming: Promise<Position | undefined> | undefined;

  constructor(outside: Outside, spec: InstanceSpec) {
    this.#outside = outside;
    this.#spec = spec;
    this.#keys = storageKeys(spec.storagePrefix);
    this.#names = subjects(spec.id);
    this.#watermark = new StoredWatermark(outside, this.#keys);
    this.#coverage = outside.objects.coverage;
    this.#cache = new ObjectCache(outside.objects, (fields) =>
      reportFault(outside, 'object-damaged', fields, 'a stored object is damaged'),
    );
    this.#writer = new NodeWriter(outside, {
      keys: this.#keys,
      cache: this.#cache,
      inlineDataBytes: spec.userStorage.type === 'Hybrid' ? spec.userStorage.thresholdBytes : Number.POSITIVE_INFINITY,
      onSuperseded: (keys, zxid) => this.#superseded.add(keys, zxid),
      onOrphans: () => {
        this.#superseded.listingNeeded = true;
      },
    });
  }

  /**
   * Distributes LOG messages; what comes again is ignored, what is missing is read from LOG. Resolves when all of it is
   * visible and published.
   *
   * @throws HaltedError when the stores disagree (invariant 3); any other error means: send it again.
   */
  async handle(invocation: TransactionsInvocation): Promise<TransactionsAnswer> {
    return await this.#lane.run(async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await this.#distribute(invocation);
        } catch (error) {
          const overtaken = error instanceof OvertakenError || error instanceof LogTrimmedError;
          if (!overtaken || attempt >= BOUNDS.raceAttempts) throw error;
          await this.#catchUp(error);
          if (this.#coverage !== undefined) await backOff(this.#outside, attempt);
        }
      }
    });
  }

  /**
   * Checkpoints up to the stored watermark, trims LOG, and removes what is past. May run beside handle(). `hibernate`:
   * drops the applied state as well, if the checkpoint has all of it.
   */
  async checkpoint(invocation: CheckpointInvocation = {}): Promise<CheckpointAnswer> {
    return await this.#checkpoints.run(async () => {
      await this.#lane.run(() => this.#startWhole());
      // Another one may have distributed what came last.
      if (invocation.hibernate === true) await this.#lane.run(() => this.#reloadWatermark());
      const checkpointer = new Checkpointer(this.#outside, this.#keys, {
        storedSequence: () => this.#storedSequence(),
        sweep: (paths, zxid) => this.#sweepInLane(paths, zxid),
        pause: (attempt) => backOff(this.#outside, attempt),
      });
      const bytes = this.#bytesSinceCheckpoint;
      const { sequence, zxid } = await checkpointer.run();
      await this.#sweepChunks(zxid);
      this.#checkpointed = sequence;
      this.#bytesSinceCheckpoint -= bytes;
      if (invocation.hibernate !== true) return { sequence };
      return { sequence, hibernates: await hibernate(this.#outside, this.#keys) };
    });
  }

  /** Waits for what is under way and stores the watermark. */
  async close(): Promise<void> {
    await this.#checkpoints.run(() => this.#lane.run(() => this.#watermark.flush()));
  }

  async #start(): Promise<Position> {
    if (this.#position !== undefined) return this.#position;
    const [stored, { manifest, damage }, covered] = await Promise.all([
      this.#watermark.load(),
      lookAtManifest(this.#outside.objects, this.#keys),
      this.#coverage?.load(),
    ]);
    this.#published = later(stored ?? NOTHING, this.#published);
    // Published is what is covered, unless that was lost; what is covered may have to be published yet.
    const shown = this.#coverage === undefined ? stored : covered && earlier(covered, this.#published);
    if (this.#coverage !== undefined && (covered?.sequence ?? 0) < this.#published.sequence) {
      const about = { covered, published: this.#published };
      reportFault(this.#outside, 'user-storage-lost', about, 'Redis has lost what was visible; it is put there again');
    }
    const known = Math.max(stored?.sequence ?? 0, manifest.sequence, covered?.sequence ?? 0);
    await expectInLog(this.#outside, known, 'user storage');
    // One that is damaged is due at once.
    this.#checkpointed = damage === undefined ? manifest.sequence : Number.NEGATIVE_INFINITY;
    // What is from before the checkpoint, with LOG gone in between, tells no more than nothing.
    const useless =
      known > (shown?.sequence ?? 0) && (await this.#outside.log.bounds()).first > (shown?.sequence ?? 0) + 1;
    const position = shown === undefined || useless ? await this.#startFromCheckpoint() : shown;
    this.#registrations = await this.#loadRegistrations(position);
    this.#position = position;
    return position;
  }

  /** Also puts there again what user storage has lost since. */
  async #startWhole(): Promise<void> {
    const before = await this.#start();
    if (this.#coverage === undefined) return;
    const covered = (await this.#coverage.read())?.sequence ?? -1;
    if (covered < before.sequence) await this.#catchUp(new OvertakenError(`Redis covers LOG up to ${covered}`));
    const { sequence } = await this.#start();
    await this.#fill(sequence + 1, this.#published.sequence);
  }

  async #startFromCheckpoint(): Promise<Position> {
    return await withWholeCheckpoint(this.#outside.objects, this.#keys, async (manifest, exists) => {
      if (!exists) {
        const { first } = await this.#outside.log.bounds();
        if (first > 1) throw new HaltedError(`LOG begins at ${first}, and there is neither watermark nor checkpoint`);
        await this.#coverage?.clear();
        await this.#coverage?.advance(NOTHING);
        return NOTHING;
      }

      await this.#coverage?.clear();
      await redistribute(this.#outside, this.#keys, { manifest, writer: this.#writer });
      const position: Position = { sequence: manifest.sequence, zxid: manifest.zxid };
      await this.#coverage?.advance(position);
      this.#publishWatermark({ zxid: position.zxid, previous: 0, entries: null });
      this.#watermark.advance(position);
      return position;
    });
  }

  /** Another distributor is ahead, or user storage has lost something: go on from where it stands. */
  async #catchUp(cause: unknown): Promise<void> {
    const before = this.#position;
    if (this.#coverage !== undefined) {
      this.#outside.logger.warn({ before, err: cause }, 'user storage has moved; going on from what it covers');
      this.#published = later(before ?? NOTHING, this.#published);
      this.#cache.clear();
      this.#position = undefined;
      return;
    }
    await this.#watermark.flush();
    const stored = await this.#watermark.load();
    this.#outside.logger.warn(
      { before, stored, err: cause },
      'another distributor is ahead; going on from its watermark',
    );
    if (cause instanceof LogTrimmedError && (stored?.sequence ?? 0) <= (before?.sequence ?? 0)) {
      throw new HaltedError(`LOG after ${before?.sequence} is gone, but was never distributed`, { cause });
    }
    if ((stored?.sequence ?? 0) <= (before?.sequence ?? 0)) return;
    this.#cache.clear();
    this.#position = undefined;
  }

  async #distribute({ messages }: TransactionsInvocation): Promise<TransactionsAnswer> {
    const start = await this.#start();
    await this.#confirmLead();
    const begun = this.#outside.clock.now();
    this.#work = { changes: 0, objects: 0 };
    const fresh = new Map<number, Uint8Array>();
    for (const { sequence, payload } of messages) if (sequence > start.sequence) fresh.set(sequence, payload);
    if (fresh.size === 0 && messages.length > 0) await expectInLog(this.#outside, start.sequence, 'the watermark');
    const sequences = [...fresh.keys()].sort((a, b) => a - b);
    let batch: SequencedEntry[] = [];
    let next = start.sequence + 1;
    for (const sequence of sequences) {
      if (sequence > next) {
        await this.#batch(batch);
        batch = [];
        await this.#fill(next, sequence - 1);
      }
      const payload = fresh.get(sequence)!;
      batch.push({
        sequence,
        bytes: payload.length,
        entry: await readTrimmable(this.#outside, this.#keys, sequence, payload),
      });
      next = sequence + 1;
    }
    await this.#batch(batch);
    return this.#answer(this.#outside.clock.now() - begun);
  }

  /** Reads and distributes what the invocation lacks. */
  async #fill(from: number, to: number): Promise<void> {
    let next = from;
    while (next <= to) {
      for await (const page of readLog(this.#outside, this.#keys, { from: next, to })) {
        await this.#batch(page);
        next = page.at(-1)!.sequence + 1;
      }
      if (next <= to) await this.#expectReadable(next);
    }
  }

  /** A replica that lags may not have yet what was delivered already. */
  async #expectReadable(sequence: number): Promise<void> {
    await expectInLog(this.#outside, sequence, 'a delivered message');
    await this.#outside.clock.sleep(BOUNDS.retryFirstMs);
  }

  /** Consecutive entries: all PUTs, then the change feed and sinks, then the watermark. */
  async #batch(batch: readonly SequencedEntry[]): Promise<void> {
    const last = batch.at(-1);
    const before = this.#position;
    if (last === undefined || before === undefined) return;
    const entries = batch.map(({ entry }) => entry);
    if (before.sequence > 0 && entries[0]!.zxidBefore !== before.zxid) {
      throw new HaltedError(`LOG ${batch[0]!.sequence} follows zxid ${entries[0]!.zxidBefore}, not ${before.zxid}`);
    }
    const seen: SeenChange[] = [];
    const checkLead = () => this.#confirmLead();
    const source = new NodeSource(this.#outside, this.#keys, last.sequence);
    const write = async (node: NodeChange) => {
      const { wasReadable } = await this.#write(node, checkLead, source);
      seen.push({ node, changes: publicChanges(node, wasReadable) });
      // A change of children comes with a child, whose object is one more.
      for (const { kind } of node.changes) if (kind !== 'children') this.#work.changes++;
      this.#work.objects++;
    };
    const { tracing } = this.#outside;
    const limit = this.#coverage === undefined ? BOUNDS.parallelObjects : BOUNDS.parallelRecords;
    const position: Position = { sequence: last.sequence, zxid: last.entry.zxid };
    const nodes = coalesce(entries);
    this.#coverage?.expect(position, nodes.size);
    await stage(tracing, 'objects', () => inParallel(nodes.values(), limit, write));
    await this.#coverage?.advance(position);
    if (last.sequence > this.#published.sequence) {
      await stage(tracing, 'publish', () => this.#publish(entries, seen, before.zxid));
    }
    this.#position = position;
    this.#bytesSinceCheckpoint += batch.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#watermark.advance(position);
    const stored = this.#watermark.position?.sequence ?? 0;
    if (position.sequence - stored > BOUNDS.watermarkDistance) await this.#watermark.flush();
  }

  /** The change feed and sinks, then the watermark. */
  async #publish(
    entries: readonly SequencedEntry['entry'][],
    seen: readonly SeenChange[],
    previous: number,
  ): Promise<void> {
    for (const { subject, payload } of [...changeMessages(seen, this.#names), ...systemMessages(seen, this.#names)]) {
      this.#outside.notifications.publish(subject, payload);
    }
    const registrations = await this.#storeMatches(entries, seen);
    const range = { zxid: entries.at(-1)!.zxid, previous };
    this.#publishWatermark(watermarkOf(seen, range), systemWatermarkOf(seen, range));
    this.#registrations = registrations;
  }

  /** A repair that cannot be done must not hold up what comes after it. */
  async #write(node: NodeChange, checkLead: () => Promise<void>, source: NodeSource): Promise<Written> {
    try {
      return await this.#writer.write(node, checkLead, source);
    } catch (error) {
      if (!(error instanceof HaltedError) || node.changes.length > 0) throw error;
      const about = { path: node.path, err: error };
      reportFault(this.#outside, 'object-unrepairable', about, 'an object cannot be repaired');
      return { wasReadable: false };
    }
  }

  #publishWatermark(watermark: Watermark, ofSystem?: Watermark): void {
    const payload = encode(watermark);
    this.#outside.notifications.publish(this.#names.watermark, payload);
    const systemPayload = ofSystem === undefined ? payload : encode(ofSystem);
    this.#outside.notifications.publish(this.#names.system.watermark, systemPayload);
  }

  /** Registered watches: stored in order for each registration before the watermark covers them. */
  async #storeMatches(
    entries: readonly SequencedEntry['entry'][],
    seen: readonly SeenChange[],
  ): Promise<Registrations> {
    const touched = entries.some(({ transactions }) =>
      transactions.some(({ effects }) => effects.some(({ type }) => type === 'register' || type === 'unregister')),
    );
    if (this.#registrations.size === 0 && !touched) return this.#registrations;
    const visible = new Map(seen.map(({ node, changes }) => [node.path, new Set(changes.map(({ zxid }) => zxid))]));
    const registrations = this.#registrations.copy();
    const matches = matchRegistrations(entries, registrations, (path, zxid) => visible.get(path)?.has(zxid) ?? false);
    await inParallel(matches, BOUNDS.parallelObjects, async ([id, own]: [string, Match[]]) => {
      for (const { event, index } of own) {
        const messageId = `${id}:${event.zxid}:${index}`;
        await this.#outside.notifications.store(this.#names.sink(id), encode(event), messageId);
      }
    });
    return registrations;
  }

  /** As the system store has them, which must not be behind: it is rolled forward first if it is. */
  async #loadRegistrations(position: Position): Promise<Registrations> {
    for (let attempt = 1; attempt <= BOUNDS.raceAttempts; attempt++) {
      const { state } = await this.#outside.system.read([]);
      if (state === undefined || state.applied < position.sequence) {
        await rollForward(this.#outside, this.#spec);
        continue;
      }
      const found: RegistrationInfo[] = [];
      for await (const page of this.#outside.system.scan('registration', '')) {
        for (const [, value] of page) found.push(decode(value, 'registration') as RegistrationInfo);
      }
      const after = (await this.#outside.system.read([])).state;
      if (after?.generation === state.generation) return new Registrations(found);
    }
    throw new HaltedError('The system store keeps changing under the distributor');
  }

  /**
   * After a pause, whoever took over may be done with all that this one is about to do. Tombstones live far longer than
   * `leadMs`, so that what is created where nothing is seen is not from a past that was swept.
   */
  async #confirmLead(): Promise<void> {
    // There, each put finds out by itself.
    if (this.#coverage !== undefined) return;
    if (this.#outside.clock.now() - this.#watermark.confirmedAt > BOUNDS.leadMs) {
      this.#confirming ??= this.#watermark
        .flush()
        .then(() => this.#watermark.load())
        .finally(() => {
          this.#confirming = undefined;
        });
      await this.#confirming;
    }
    // Also without a look of its own: storing a watermark finds out when another one is ahead.
    const stored = this.#watermark.position?.sequence ?? 0;
    if (stored > (this.#position?.sequence ?? 0)) throw new OvertakenError('The watermark moved on');
  }

  #answer(durationMs: number): TransactionsAnswer {
    const { sequence, zxid } = this.#position ?? NOTHING;
    const due =
      sequence - this.#checkpointed >= this.#spec.checkpointMessages ||
      this.#bytesSinceCheckpoint >= this.#spec.checkpointBytes;
    const { changes, objects } = this.#work;
    const changesEach = objects === 0 ? 0 : changes / objects;
    const worthIt = changesEach >= BOUNDS.gatherChanges;
    const gatherMs = worthIt ? Math.min(BOUNDS.gatherMs, Math.ceil((changesEach - 1) * durationMs)) : 0;
    return { sequence, watermark: zxid, checkpointDue: due, ...(gatherMs === 0 ? {} : { gatherMs }) };
  }

  async #reloadWatermark(): Promise<void> {
    await this.#watermark.flush();
    await this.#watermark.load();
  }

  async #storedSequence(): Promise<number> {
    await this.#watermark.flush();
    const stored = this.#watermark.position?.sequence ?? 0;
    if (this.#coverage === undefined) return stored;
    // LOG is wanted to put there again what is lost, and a checkpoint may have to be made of what is there.
    const covered = (await this.#coverage.read())?.sequence ?? 0;
    if (covered < stored) throw new SystemError(`Redis covers LOG up to ${covered}, not ${stored}`);
    return stored;
  }

  /** In slices, so that transactions do not wait for it. */
  async #sweepInLane(paths: readonly string[], zxid: number): Promise<boolean> {
    const slice = 4 * BOUNDS.parallelObjects;
    for (let at = 0; at < paths.length; at += slice) {
      const some = paths.slice(at, at + slice);
      const canDelete = await this.#lane.run(() => sweepTombstones(this.#outside, this.#keys, { paths: some, zxid }));
      if (!canDelete) return false;
    }
    return true;
  }

  async #sweepChunks(trimmedZxid: number): Promise<void> {
    const past = this.#superseded.takeUpTo(trimmedZxid);
    for (let at = 0; at < past.length; at += BOUNDS.deleteKeys) {
      await this.#outside.objects.delete(past.slice(at, at + BOUNDS.deleteKeys));
    }
    if (!this.#superseded.listingNeeded) return;
    this.#superseded.listingNeeded = false;
    await sweepOrphans(this.#outside, this.#keys, trimmedZxid).catch((error) => {
      this.#superseded.listingNeeded = true;
      throw error;
    });
  }
}

function later(one: Position, other: Position): Position {
  return one.sequence >= other.sequence ? one : other;
}

function earlier(one: Position, other: Position): Position {
  return one.sequence <= other.sequence ? one : other;
}
