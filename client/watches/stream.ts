import { DEFAULTS } from '../defaults.ts';
import type { WatchEvent } from './events.ts';

/**
 * Watch events as an async iterator: `for await (const event of client.watch('/a'))`. Leaving the loop ends the watch.
 * A consumer that stays too far behind gets an error instead of ever more memory.
 */
export class WatchStream implements AsyncIterableIterator<WatchEvent, void, undefined> {
  readonly #onEnd: () => void;
  #queue: WatchEvent[] = [];
  #ended = false;
  #failure: { error: unknown } | undefined;
  #takers: { resolve: (result: IteratorResult<WatchEvent, void>) => void; reject: (error: unknown) => void }[] = [];

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  readonly push = (event: WatchEvent): void => {
    if (this.#ended) return;
    const taker = this.#takers.shift();
    if (taker !== undefined) taker.resolve({ value: event, done: false });
    else if (this.#queue.length < DEFAULTS.iteratorEvents) this.#queue.push(event);
    else this.fail(new RangeError(`${this.#queue.length} watch events were not taken`));
  };

  /** What is queued is still taken; after that, the iteration throws. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = { error };
    this.#end();
  }

  /** What is queued is still taken; after that, the iteration is over. */
  end(): void {
    if (!this.#ended) this.#end();
  }

  next(): Promise<IteratorResult<WatchEvent, void>> {
    const event = this.#queue.shift();
    if (event !== undefined) return Promise.resolve({ value: event, done: false });
    if (!this.#ended) return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
    const failure = this.#failure;
    this.#failure = undefined;
    return failure === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(failure.error);
  }

  return(): Promise<IteratorResult<WatchEvent, void>> {
    this.#queue = [];
    this.#failure = undefined;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #end(): void {
    this.#ended = true;
    const takers = this.#takers;
    this.#takers = [];
    for (const taker of takers) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure === undefined) taker.resolve({ value: undefined, done: true });
      else taker.reject(failure.error);
    }
    this.#onEnd();
  }
}
