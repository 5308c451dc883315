import { frame, type StorageKeys, unframe, validate } from '@faaskeeper/protocol';
import * as v from 'valibot';
import { BOUNDS } from './bounds.ts';
import { backOff } from './parallel.ts';
import type { Outside, PutCondition } from './ports.ts';

const VERSION = 1;
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const positionSchema = v.object({ sequence: whole, zxid: whole });

/** A place in LOG: everything up to it. */
export type Position = v.InferOutput<typeof positionSchema>;

/** The watermark as it is stored, with its tag; undefined: none is. */
export async function readWatermark(
  { objects }: Pick<Outside, 'objects'>,
  keys: StorageKeys,
): Promise<{ position: Position; etag: string } | undefined> {
  const stored = await objects.get(keys.watermark);
  if (stored === undefined) return undefined;
  const what = 'The stored watermark';
  return { position: validate(positionSchema, unframe(VERSION, stored.body, what).value, what), etag: stored.etag };
}

/** The watermark in user storage: moves forward only, whoever writes it (invariant 6). */
export class StoredWatermark {
  readonly #outside: Outside;
  readonly #keys: StorageKeys;
  #position: Position | undefined;
  #etag: string | undefined;
  #wanted: Position | undefined;
  #writing: Promise<void> | undefined;
  /** Aborted: the write under way begins at once. */
  #hurry = new AbortController();
  #confirmedAt = Number.NEGATIVE_INFINITY;

  constructor(outside: Outside, keys: StorageKeys) {
    this.#outside = outside;
    this.#keys = keys;
  }

  /** As last seen; undefined: none is stored. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** When it was last read or written, by the clock, ms. */
  get confirmedAt(): number {
    return this.#confirmedAt;
  }

  async load(): Promise<Position | undefined> {
    const at = this.#outside.clock.now();
    const stored = await readWatermark(this.#outside, this.#keys);
    this.#position = stored?.position;
    this.#etag = stored?.etag;
    this.#confirmedAt = at;
    return this.#position;
  }

  /**
   * Begins to store a watermark, soon: one PUT serves all that come meanwhile. What a crash leaves out is distributed
   * again, which changes nothing.
   */
  advance(position: Position): void {
    if (this.#wanted === undefined || this.#wanted.sequence < position.sequence) this.#wanted = position;
    if (this.#writing !== undefined) return;
    this.#hurry = new AbortController();
    const writing = this.#outside.clock
      .sleep(BOUNDS.watermarkStoreMs, this.#hurry.signal)
      .catch(() => undefined)
      .then(() => this.#write())
      .finally(() => {
        this.#writing = undefined;
      });
    this.#writing = writing;
    writing.then(
      () => this.#isBehind() && this.advance(this.#wanted!),
      // flush() reports it; until then the next advance tries again.
      (err) => this.#outside.logger.warn({ err }, 'the watermark is not stored yet'),
    );
  }

  #isBehind(): boolean {
    return this.#wanted !== undefined && this.#wanted.sequence > (this.#position?.sequence ?? -1);
  }

  /** Resolves when everything that advance() was given is stored. */
  async flush(): Promise<void> {
    this.#hurry.abort();
    await this.#writing?.catch(() => undefined);
    if (this.#isBehind()) await this.#write();
  }

  async #write(): Promise<void> {
    let failure: unknown;
    for (let attempt = 1; attempt <= BOUNDS.objectAttempts; ) {
      const wanted = this.#wanted;
      if (wanted === undefined || wanted.sequence <= (this.#position?.sequence ?? -1)) return;
      try {
        if (failure !== undefined) await this.load();
        failure = undefined;
        if (wanted.sequence <= (this.#position?.sequence ?? -1)) return;
        await this.#put(wanted);
      } catch (error) {
        failure = error;
        await backOff(this.#outside, attempt++);
      }
    }
    throw failure;
  }

  async #put(wanted: Position): Promise<void> {
    const condition: PutCondition = this.#etag === undefined ? { absent: true } : { ifMatch: this.#etag };
    const at = this.#outside.clock.now();
    const result = await this.#outside.objects.put(this.#keys.watermark, frame(VERSION, wanted), condition);
    if (result.outcome === 'conflict') {
      await this.load();
      return;
    }
    this.#position = wanted;
    this.#etag = result.etag;
    this.#confirmedAt = at;
  }
}
