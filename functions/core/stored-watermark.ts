import { DamagedError, frame, type StorageKeys, unframeAs } from '@faaskeeper/protocol';
import * as v from 'valibot';
import { BOUNDS } from './bounds.ts';
import { reportFault } from './faults.ts';
import { backOff } from './parallel.ts';
import type { Outside, Position, PutCondition } from './ports.ts';

const VERSION = 1;
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const positionSchema = v.object({ sequence: whole, zxid: whole });

/**
 * The watermark as it is stored, with its tag; undefined: none is. Without a position it is damaged, which is no more
 * than if it was not there.
 *
 * @throws NewerFormatError
 */
export async function readWatermark(
  outside: Pick<Outside, 'objects'> & Partial<Pick<Outside, 'logger' | 'incidents'>>,
  keys: StorageKeys,
): Promise<{ position: Position | undefined; etag: string } | undefined> {
  const stored = await outside.objects.get(keys.watermark);
  if (stored === undefined) return undefined;
  const { etag } = stored;
  try {
    return { position: unframeAs(positionSchema, VERSION, stored.body, `The watermark ${keys.watermark}`), etag };
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    const { logger, incidents } = outside;
    if (logger !== undefined)
      reportFault({ logger, incidents }, 'watermark-damaged', { err: error }, 'the stored watermark is damaged');
    return { position: undefined, etag };
  }
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
