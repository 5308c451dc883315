import { DEFAULTS } from '../defaults.ts';
import { BEHIND_OTHERS, type Obstacle, PendingCall } from './call.ts';
import type { Call } from './order.ts';
import type { Answer, Reader, Target } from './reader.ts';

/** One for all calls: the reason that a signal makes by itself costs as much as a cached read. */
const OVER = new Error('The call is over');

export interface ReadCallOptions<T> {
  readonly reader: Reader;
  readonly targets: readonly Target[];
  /** All answers must be exact as of one watermark: a snapshot, or the base of a watch. */
  readonly exact: boolean;
  /** Makes the result, in the turn in which the answers are exact; may throw the call's error. */
  readonly finish: (answers: readonly Answer[]) => T;
  readonly onOver?: () => void;
}

/**
 * A call that reads. An answer may be delivered when the watermark covers it and everything that the session has seen,
 * and when it is not older than that: its object covers what was seen, or its GET was issued when the watermark did,
 * or no watermark since has named the node (invariant 6). What is too old is read again.
 */
export class ReadCall<T> extends PendingCall<T> implements Call {
  readonly kind = 'read';
  readonly #options: ReadCallOptions<T>;
  readonly #abort = new AbortController();
  #repeats = 0;
  #release: (() => void) | undefined;

  constructor(options: ReadCallOptions<T>) {
    super();
    this.#options = options;
  }

  start(): void {
    this.#fetch(this.#options.targets);
  }

  deliver(): boolean {
    const { reader, targets } = this.#options;
    if (!reader.live) return false;
    const answers: Answer[] = [];
    for (const { answer } of targets) {
      if (answer === undefined) return false;
      answers.push(answer);
    }
    this.#letGo();
    const newest = this.#newest;
    if (reader.watermark < newest) return false;
    const old = targets.filter((one) => !this.#isCurrent(one));
    if (old.length > 0) return this.#repeat(old);
    this.#finish(answers, newest);
    return true;
  }

  protected get obstacle(): Obstacle {
    const { reader, targets } = this.#options;
    const lacking = targets.find(({ answer }) => answer === undefined);
    if (lacking !== undefined && lacking.issuedAt >= 0)
      return { what: 'the node could not be read', cause: reader.failure };
    if (lacking !== undefined || reader.watermark >= this.#newest) return BEHIND_OTHERS;
    return { what: `zxid ${this.#newest} is done, but visible is ${reader.watermark}` };
  }

  /** zxid that the watermark must have reached. */
  get #newest(): number {
    const { reader, targets } = this.#options;
    return targets.reduce((max, { answer }) => Math.max(max, answer?.zxid ?? 0), reader.seen);
  }

  protected onOver(): void {
    this.#letGo();
    this.#abort.abort(OVER);
    for (const one of this.#options.targets) this.#options.reader.forget(one);
    this.#options.onOver?.();
  }

  #fetch(targets: readonly Target[]): void {
    for (const one of targets) this.#options.reader.fetch(one, this.#abort, (error) => this.fail(error));
  }

  #isCurrent(one: Target): boolean {
    const { reader, exact, targets } = this.#options;
    const zxid = one.answer?.zxid ?? -1;
    // Zero is the watermark of an instance that shows nothing yet, too: not even what every tree begins with.
    if (one.issuedAt === 0 && zxid === 0) return false;
    if (zxid >= one.outdated) return true;
    // A snapshot of nodes that change all the time would never be exact.
    const mustBeExact = exact && (targets.length === 1 || this.#repeats < DEFAULTS.snapshotReads);
    return !mustBeExact && (zxid >= reader.seen || one.issuedAt >= reader.seen);
  }

  #repeat(old: readonly Target[]): boolean {
    this.#repeats++;
    this.#release = this.#options.reader.hold();
    this.#fetch(old);
    // The cache may have had it all.
    return this.#options.targets.every((one) => one.answer !== undefined) && this.deliver();
  }

  #letGo(): void {
    this.#release?.();
    this.#release = undefined;
  }

  #finish(answers: readonly Answer[], newest: number): void {
    const { reader, targets, finish } = this.#options;
    reader.see(newest);
    for (const one of targets) if ((one.answer?.zxid ?? -1) >= one.outdated) reader.offer(one);
    try {
      this.result.resolve(finish(answers));
    } catch (error) {
      this.result.reject(error);
    }
    this.onOver();
  }
}
