import { DEFAULTS } from '../defaults.ts';
import type { Clock, Timer } from '../ports.ts';

/**
 * Replies and watermark come on different ways. An event must not overtake the reply of an earlier transaction of its
 * session (ZooKeeper's order), so it waits for a moment while there may be one under way.
 */
export class ReplyGrace {
  readonly #clock: Clock;
  /** The newest transaction that a reply has told of; later replies are of later ones. */
  #answered = -1;
  /** A reply takes so long that nothing waits for it any more. */
  #late = false;
  #waiting: { readonly due: number; readonly timer: Timer; readonly resolve: () => void } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when events up to the transaction `due` may be told; undefined: at once. One at a time. */
  before(due: number, unanswered: number): Promise<void> | undefined {
    if (this.#mayTell(due, unanswered)) return undefined;
    return new Promise((resolve) => {
      const timer = this.#clock.timer(DEFAULTS.replyGrace, () => {
        this.#late = true;
        this.#end();
      });
      this.#waiting = { due, timer, resolve };
    });
  }

  /** A write is answered, or will never be (-1); `unanswered` are left. */
  answered(zxid: number, unanswered: number): void {
    if (zxid > this.#answered) this.#answered = zxid;
    this.#late = false;
    if (this.#waiting !== undefined && this.#mayTell(this.#waiting.due, unanswered)) this.#end();
  }

  close(): void {
    this.#waiting?.timer.cancel();
  }

  #mayTell(due: number, unanswered: number): boolean {
    return this.#late || unanswered === 0 || this.#answered >= due - 1;
  }

  #end(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.timer.cancel();
    waiting?.resolve();
  }
}
