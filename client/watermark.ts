import { decodeAs, decodeWatermarkEntries, type Watermark as Message, watermarkSchema } from '@faaskeeper/protocol';
import { DEFAULTS } from './defaults.ts';
import type { Clock, Timer } from './ports.ts';

/** One advance of the watermark. `entries`: digest → zxid of its last change; null: anything may have changed. */
export interface Step {
  readonly zxid: number;
  readonly entries: ReadonlyMap<bigint, number> | null;
}

export interface WatermarkHooks {
  /** Brings watches and cache up to date. The watermark is not taken before. */
  prepare(step: Step): Promise<void> | undefined;
  /** Fires what the step covers, just before the watermark is taken. */
  fire(step: Step): void;
  /** The watermark is taken. */
  taken(): void;
  /** Somebody watches, caches or reads: entries matter. */
  readonly interested: boolean;
}

interface Pending {
  zxid: number;
  previous: number;
  entries: Uint8Array | null;
}

/** More steps than this are taken as one. */
const MAX_PENDING = 256;
const UNKNOWN = Number.MAX_SAFE_INTEGER;

/**
 * The watermark W that the session has taken (invariants 6 and 7). Steps are taken one after the other; a step that
 * does not follow on the last one is a gap: whatever is watched or cached may have changed.
 */
export class Watermark {
  value = -1;
  readonly #clock: Clock;
  readonly #hooks: WatermarkHooks;
  #pending: Pending[] = [];
  #running = false;
  #closed = false;
  #hint: Timer | undefined;

  constructor(clock: Clock, hooks: WatermarkHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
  }

  /** A message of the feed. */
  receive(payload: Uint8Array): void {
    let message: Message;
    try {
      message = decodeAs(watermarkSchema, payload, 'watermark');
    } catch {
      // As good as lost: the next one, or a beat's answer, shows the gap.
      return;
    }
    this.#add(message);
  }

  /** The session is attached and everything up to `zxid` is visible. What came before may be lost. */
  attached(zxid: number): void {
    if (this.value < 0) {
      this.value = zxid;
      this.#hooks.taken();
      this.#run();
    } else this.#add({ zxid, previous: UNKNOWN, entries: null });
  }

  /** An answer names a newer watermark: if it does not come by itself in a moment, it is lost. */
  hint(zxid: number): void {
    if (zxid <= this.value || this.#hint !== undefined) return;
    this.#hint = this.#clock.timer(DEFAULTS.watermarkGrace, () => {
      this.#hint = undefined;
      if (zxid > this.#newest()) this.#add({ zxid, previous: UNKNOWN, entries: null });
    });
  }

  close(): void {
    this.#closed = true;
    this.#hint?.cancel();
    this.#pending = [];
  }

  #newest(): number {
    return this.#pending.at(-1)?.zxid ?? this.value;
  }

  #add(message: Pending): void {
    if (message.zxid <= this.value || this.#closed) return;
    this.#pending.push(message);
    if (this.#pending.length > MAX_PENDING) {
      const zxid = Math.max(...this.#pending.map((pending) => pending.zxid));
      this.#pending = [{ zxid, previous: UNKNOWN, entries: null }];
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
      if (next.zxid <= this.value) continue;
      const step = this.#step(next);
      const preparing = this.#hooks.prepare(step);
      // Not a tick is lost where there is nothing to wait for.
      if (preparing !== undefined) await preparing;
      if (this.#closed) break;
      this.#hooks.fire(step);
      this.value = step.zxid;
      this.#hooks.taken();
    }
    this.#running = false;
  }

  #step({ zxid, previous, entries }: Pending): Step {
    if (previous > this.value || entries === null) return { zxid, entries: null };
    return { zxid, entries: this.#hooks.interested ? decodeWatermarkEntries(entries) : new Map() };
  }
}
