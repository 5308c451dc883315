import type { LogEntry } from '../log-entry.ts';
import type { Outside } from '../ports.ts';
import { isKeptInSystemStore, mutationsOf } from '../tables.ts';
import { StoreMoved } from './known-state.ts';

/** How long an entry waits for others to be applied with it, ms: one script, and one fsync of Redis, serve them all. */
const GATHER_MS = 40;
/** Entries that the system store may be behind LOG before the lane waits for it (invariant 15). */
const MAX_UNAPPLIED = 64;

interface Appended {
  readonly generation: string;
  readonly sequence: number;
  readonly entry: LogEntry;
}

/** With the trace that it is part of. */
type Queued = Appended & { readonly traceparent: string | undefined };

/** Applies appended entries to the system store, behind the replies. */
export class Applier {
  readonly #outside: Outside;
  readonly #onFailure: (error: unknown) => void;
  #queue: Queued[] = [];
  #running: Promise<void> | undefined;
  #hurry = new AbortController();

  /** `onFailure`: what is queued will not be applied by this process; LOG has it. */
  constructor(outside: Outside, onFailure: (error: unknown) => void) {
    this.#outside = outside;
    this.#onFailure = onFailure;
  }

  /** Entries come in the order of their sequences. */
  add(appended: Appended): void {
    this.#queue.push({ ...appended, traceparent: this.#outside.tracing?.current() });
    this.#running ??= this.#run();
  }

  /** Resolves when the store is not too far behind. */
  async keepUp(): Promise<void> {
    if (this.#queue.length >= MAX_UNAPPLIED) await this.drain();
  }

  /** Applies all that is queued now, and resolves when that is done or has failed. */
  async drain(): Promise<void> {
    this.#hurry.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await this.#outside.clock.sleep(GATHER_MS, this.#hurry.signal).catch(() => undefined);
        const batch = this.#queue.splice(0);
        const { tracing } = this.#outside;
        const work = () => this.#apply(batch);
        const parents = batch.map(({ traceparent }) => traceparent);
        await (tracing === undefined ? work() : tracing.span('apply', { parents }, work));
      }
    } catch (error) {
      this.#queue = [];
      this.#onFailure(error);
    } finally {
      this.#running = undefined;
      this.#hurry = new AbortController();
    }
  }

  async #apply(batch: readonly Appended[]): Promise<void> {
    const [first, last] = [batch[0], batch.at(-1)];
    if (first === undefined || last === undefined) return;
    const entries = batch.map(({ entry }) => entry);
    const outcome = await this.#outside.system.apply({
      generation: last.generation,
      after: first.sequence - 1,
      sequence: last.sequence,
      zxid: last.entry.zxid,
      mutations: mutationsOf(entries, isKeptInSystemStore),
    });
    if (outcome !== 'applied' && outcome !== 'repeated') {
      throw new StoreMoved(`Entries ${first.sequence} to ${last.sequence} met: ${outcome}`);
    }
  }
}
