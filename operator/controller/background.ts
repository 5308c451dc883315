import type { Background } from '../reconcilers/index.ts';

/** Work that takes longer than a reconciliation should. */
export class BackgroundWork implements Background {
  readonly #running = new Map<string, Promise<void>>();
  readonly #signal: AbortSignal;
  readonly #ended: (key: string) => void;

  constructor(signal: AbortSignal, ended: (key: string) => void) {
    this.#signal = signal;
    this.#ended = ended;
  }

  start(name: string, key: string, work: (signal: AbortSignal) => Promise<void>): boolean {
    if (this.#running.has(name) || this.#signal.aborted) return false;
    const running = work(this.#signal)
      // Who starts work looks after its errors.
      .catch(() => undefined)
      .finally(() => {
        this.#running.delete(name);
        this.#ended(key);
      });
    this.#running.set(name, running);
    return true;
  }

  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }
}
