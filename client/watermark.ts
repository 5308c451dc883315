import { decodeAs, decodeWatermarkEntries, type Watermark as Message, watermarkSchema } from '@faaskeeper/protocol';

/** One advance of the watermark. `entries`: digest → zxid of its last change; null: anything may have changed. */
export interface Step {
  readonly zxid: number;
  readonly entries: ReadonlyMap<bigint, number> | null;
  /** The entries are of exactly what comes after the last step. */
  readonly exact?: boolean;
}

export interface WatermarkHooks {
  /** Brings watches and cache up to date. The watermark is not taken before. */
  prepare(step: Step): Promise<void> | undefined;
  /** What was read again to prepare shows a change that is newer than this zxid. */
  ahead?(zxid: number): boolean;
  /** Fires what the step covers, just before the watermark is taken. */
  fire(step: Step): void;
  /** The watermark is taken. */
  taken(): void;
  /** Somebody watches, caches or reads: entries matter. */
  readonly interested: boolean;
}

/** More steps than this are taken as one. */
const MAX_PENDING = 256;
/** Steps in a row that wait for the next one: a node that is always newer must not stop everything. */
const MAX_HOLDS = 8;
const UNKNOWN = Number.MAX_SAFE_INTEGER;

/** A watermark as it was published; its entries are decoded at most once, for whoever asks first. */
export class Published {
  readonly zxid: number;
  readonly previous: number;
  readonly #bytes: Uint8Array | null;
  #entries: ReadonlyMap<bigint, number> | undefined;

  constructor({ zxid, previous, entries }: Message) {
    this.zxid = zxid;
    this.previous = previous;
    this.#bytes = entries;
  }

  /** undefined for what is as good as lost: the next one, or a beat's answer, shows the gap. */
  static decode(payload: Uint8Array): Published | undefined {
    try {
      return new Published(decodeAs(watermarkSchema, payload, 'watermark'));
    } catch {
      return undefined;
    }
  }

  /** Nobody can say what changed before `zxid`. */
  static gap(zxid: number): Published {
    return new Published({ zxid, previous: UNKNOWN, entries: null });
  }

  /** null: too many. */
  get entries(): ReadonlyMap<bigint, number> | null {
    if (this.#bytes === null) return null;
    this.#entries ??= decodeWatermarkEntries(this.#bytes);
    return this.#entries;
  }

  /** As seen by who has taken `value`. `interested` false: nobody looks at the entries. */
  after(value: number, interested = true): Step {
    const { zxid, previous } = this;
    if (previous > value || this.#bytes === null) return { zxid, entries: null };
    return { zxid, entries: interested ? this.entries : NOTHING, exact: previous === value };
  }
}

const NOTHING: ReadonlyMap<bigint, number> = new Map();

/**
 * The watermark W that the session has taken (invariants 6 and 7). Steps are taken one after the other; a step that
 * does not follow on the last one is a gap: whatever is watched or cached may have changed.
 */
export class Watermark {
  value = -1;
  readonly #hooks: WatermarkHooks;
  #pending: Published[] = [];
  #running = false;
  #closed = false;
  /** Steps up to here are prepared; those after `value` wait to be taken with the next one. */
  #prepared = -1;
  #holds = 0;

  constructor(hooks: WatermarkHooks) {
    this.#hooks = hooks;
  }

  /** Nothing is wanted that a step could change: steps up to `zxid` are as good as taken. */
  skipTo(zxid: number): void {
    if (zxid > this.value && this.value >= 0 && !this.#running) this.value = zxid;
  }

  /** No step waits to be taken. */
  get settled(): boolean {
    return !this.#running && this.#pending.length === 0;
  }

  /** ... nor is anything known of what comes after it. */
  get atRest(): boolean {
    return this.settled && this.#prepared <= this.value;
  }

  /** The session is attached and everything up to `zxid` is visible. What came before may be lost. */
  attached(zxid: number): void {
    if (this.value < 0) {
      this.value = zxid;
      this.#hooks.taken();
      this.#run();
    } else this.add(Published.gap(zxid));
  }

  close(): void {
    this.#closed = true;
    this.#pending = [];
  }

  /** A step that may be the next one. */
  add(message: Published): void {
    if (message.zxid <= this.value || this.#closed) return;
    this.#pending.push(message);
    if (this.#pending.length > MAX_PENDING) {
      const zxid = Math.max(...this.#pending.map((pending) => pending.zxid));
      this.#pending = [Published.gap(zxid)];
    }
    this.#run();
  }

  #run(): void {
    if (this.#running || this.value < 0) return;
    this.#running = true;
    void this.#takeAll();
  }

  async #takeAll(): Promise<void> {
    while (!this.#closed) {
      const next = this.#pending.shift();
      if (next === undefined) break;
      const from = Math.max(this.value, this.#prepared);
      if (next.zxid <= from) continue;
      const step = next.after(from, this.#hooks.interested);
      const preparing = this.#hooks.prepare(step);
      // Not a tick is lost where there is nothing to wait for.
      if (preparing !== undefined) await preparing;
      if (this.#closed) break;
      // A change that was missed must be told before anything later is seen. What was read again may be newer than this
      // step, which then waits for the next one, that is on its way.
      if (this.#hooks.ahead?.(step.zxid) === true && this.#holds < MAX_HOLDS) {
        this.#holds++;
        this.#prepared = step.zxid;
        continue;
      }
      this.#holds = 0;
      this.#hooks.fire(step);
      this.value = step.zxid;
      this.#hooks.taken();
    }
    this.#running = false;
  }
}
