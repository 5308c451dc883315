import { backoffMs } from './backoff.ts';
import { CONTROLLER } from './bounds.ts';

/** Timers, so that tests need not wait. */
export interface Timers {
  now(): number;
  /** Returns how to cancel it. */
  after(ms: number, run: () => void): () => void;
}

const systemTimers: Timers = {
  now: () => performance.now(),
  after(ms, run) {
    // setTimeout takes at most 2^31 ms.
    const timer = setTimeout(run, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

export interface QueueOptions {
  /** Resolves with ms until the key is due again, or undefined when nothing is foreseen. */
  readonly process: (key: string) => Promise<number | undefined>;
  /** Told of each failure; the key comes again by itself. */
  readonly onError: (key: string, error: unknown, retryMs: number) => void;
  readonly workers?: number;
  readonly timers?: Timers;
  readonly random?: () => number;
}

interface Item {
  state: 'idle' | 'waiting' | 'running' | 'running, then again';
  failures: number;
  /** The earliest of the times that it was asked for. */
  due: { readonly at: number; readonly cancel: () => void } | undefined;
}

/**
 * Keys that need work: each is worked on by one worker at a time, and at least once after it was added last. Failures
 * come again after growing waits.
 */
export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #timers: Timers;
  readonly #items = new Map<string, Item>();
  readonly #waiting: string[] = [];
  #running = 0;
  #stopped = false;
  #idle: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#timers = options.timers ?? systemTimers;
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#waiting.length;
  }

  add(key: string): void {
    if (this.#stopped) return;
    const item = this.#item(key);
    if (item.state === 'idle') {
      item.state = 'waiting';
      this.#waiting.push(key);
      this.#next();
    } else if (item.state === 'running') item.state = 'running, then again';
  }

  /** Nothing happens if the key is due earlier anyway. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    const item = this.#item(key);
    const at = this.#timers.now() + ms;
    if (item.due !== undefined && item.due.at <= at) return;
    item.due?.cancel();
    const cancel = this.#timers.after(ms, () => {
      item.due = undefined;
      this.add(key);
    });
    item.due = { at, cancel };
  }

  /** Begins nothing more; resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.length = 0;
    for (const { due } of this.#items.values()) due?.cancel();
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  #item(key: string): Item {
    let item = this.#items.get(key);
    if (item === undefined) {
      item = { state: 'idle', failures: 0, due: undefined };
      this.#items.set(key, item);
    }
    return item;
  }

  #next(): void {
    const { workers = CONTROLLER.workers } = this.#options;
    while (this.#running < workers && !this.#stopped) {
      const key = this.#waiting.shift();
      if (key === undefined) return;
      this.#running++;
      void this.#work(key, this.#item(key));
    }
  }

  async #work(key: string, item: Item): Promise<void> {
    item.state = 'running';
    // What it was due for is done now; the outcome says when it is due again.
    item.due?.cancel();
    item.due = undefined;
    let again: number | undefined;
    try {
      again = await this.#options.process(key);
      item.failures = 0;
    } catch (error) {
      item.failures++;
      const { random = Math.random } = this.#options;
      again = backoffMs(item.failures, { firstMs: CONTROLLER.retryFirstMs, mostMs: CONTROLLER.retryMostMs, random });
      this.#options.onError(key, error, again);
    }
    this.#running--;
    const repeat = (item.state as Item['state']) === 'running, then again';
    item.state = 'idle';
    if (again !== undefined) this.addAfter(key, again);
    if (repeat) this.add(key);
    if (item.state === 'idle' && item.due === undefined) this.#items.delete(key);
    if (this.#running === 0) this.#idle?.();
    this.#next();
  }
}
