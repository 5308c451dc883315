import type { Clock } from '../ports.ts';
import { TRIGGER } from './bounds.ts';

/**
 * Requests go first: while they are at the writer, what they share the machine with would only delay their replies. Where
 * one batch follows the other, entries of LOG gather for a moment, so that one distribution serves several; what comes
 * after a pause is distributed as soon as its requests are answered.
 */
export class Precedence {
  readonly #clock: Clock;
  #isBusy = false;
  #idleSince = Number.NEGATIVE_INFINITY;
  /** Batches of requests that followed their predecessor at once. */
  #streak = 0;
  /** Counts what happened to requests: a pause is one in which nothing did. */
  #events = 0;
  #waiting: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A batch of requests goes to the writer. */
  begin(): void {
    this.#events++;
    this.#isBusy = true;
    this.#streak = this.#clock.now() - this.#idleSince <= TRIGGER.pauseMs ? this.#streak + 1 : 0;
  }

  /** It was answered, or failed. */
  end(): void {
    this.#events++;
    this.#isBusy = false;
    this.#idleSince = this.#clock.now();
    if (this.#waiting !== undefined) this.#letGo();
  }

  /** Resolves when entries of LOG may go to the distributor: after TRIGGER.holdMs at the latest. */
  async turn(): Promise<void> {
    if (!this.#isBusy && !this.#isStreaming) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = resolve;
    void this.#clock.sleep(TRIGGER.holdMs).then(resolve, resolve);
    if (!this.#isBusy) this.#letGo();
    await promise;
    this.#waiting = undefined;
  }

  get #isStreaming(): boolean {
    return this.#streak >= TRIGGER.streakBatches;
  }

  /** At once, or when no further request has come for a moment. */
  #letGo(): void {
    const go = this.#waiting;
    if (!this.#isStreaming) {
      go?.();
      return;
    }
    const events = this.#events;
    const whenQuiet = () => {
      if (this.#events === events) go?.();
    };
    void this.#clock.sleep(TRIGGER.pauseMs).then(whenQuiet, whenQuiet);
  }
}
