import type { Clock, Timer } from '../ports.ts';

/** First repetition of a beat whose answer would end an uncertainty, ms. */
const EAGER = 200;

export interface BeatsOptions {
  readonly clock: Clock;
  readonly send: (id: number) => void;
  /** Nobody answered for two thirds of the timeout. */
  readonly onSilence: () => void;
}

/**
 * Tells the system that the session lives, and the session whether the system heard it (invariant 11). What counts is
 * when an answered beat was *sent*: the system cannot have heard of the session later than that.
 */
export class Beats {
  readonly #options: BeatsOptions;
  #timeout = 0;
  /** Clock time until which the session cannot have expired: the client may serve what it has. */
  deadline = Number.NEGATIVE_INFINITY;
  #lastId = 0;
  #answered = false;
  readonly #sentAt = new Map<number, number>();
  #beatTimer: Timer | undefined;
  #silenceTimer: Timer | undefined;

  constructor(options: BeatsOptions) {
    this.#options = options;
  }

  /** `since`: clock time at which the attachment was asked for. */
  start(timeout: number, since: number): void {
    this.stop();
    this.#timeout = timeout;
    this.#answered = false;
    this.deadline = since + (timeout * 2) / 3;
    this.#watchSilence();
    this.#repeat(EAGER);
  }

  stop(): void {
    this.deadline = Number.NEGATIVE_INFINITY;
    this.#beatTimer?.cancel();
    this.#silenceTimer?.cancel();
    this.#sentAt.clear();
  }

  beat(): void {
    const id = ++this.#lastId;
    this.#sentAt.set(id, this.#options.clock.now());
    this.#options.send(id);
  }

  answer(id: number): void {
    const sentAt = this.#sentAt.get(id);
    if (sentAt === undefined) return;
    for (const known of this.#sentAt.keys()) if (known <= id) this.#sentAt.delete(known);
    this.#answered = true;
    // Too late, and nobody has noticed yet: what did not start for want of an answer waits for the next attachment.
    if (this.#options.clock.now() >= this.deadline) {
      this.#options.onSilence();
      return;
    }
    this.deadline = Math.max(this.deadline, sentAt + (this.#timeout * 2) / 3);
  }

  #repeat(delay: number): void {
    this.beat();
    const regular = this.#timeout / 3;
    this.#beatTimer = this.#options.clock.timer(this.#answered ? regular : Math.min(delay, regular), () => {
      // An answered first beat ends the hurry; the next is due a third of the timeout after it.
      this.#repeat(delay * 2);
    });
  }

  #watchSilence(): void {
    const left = this.deadline - this.#options.clock.now();
    if (left <= 0) this.#options.onSilence();
    else this.#silenceTimer = this.#options.clock.timer(left + 1, () => this.#watchSilence());
  }
}
