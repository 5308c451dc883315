import { AbortedError, OperationTimeoutError } from '@faaskeeper/protocol';
import type { Clock } from './ports.ts';

/** What every call may carry. */
export interface CallOptions {
  /** Aborts the call, which rejects with AbortedError; what was sent may still take effect. */
  readonly signal?: AbortSignal | undefined;
  /** ms; the call rejects with OperationTimeoutError after that. Infinity: never. Default: the client's requestTimeout. */
  readonly timeout?: number | undefined;
}

/** The error of a call that had no answer within so many ms. */
type Late = (ms: number) => Error;
const noAnswer: Late = (ms) => new OperationTimeoutError(`No answer within ${ms} ms`);

/** A promise with its ends outside, which ends at most once and tells when. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  settled = false;
  #release: (() => void) | undefined;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  resolve(value: T): void {
    if (this.#settle()) this.#resolve(value);
  }

  reject(reason: unknown): void {
    if (this.#settle()) this.#reject(reason);
  }

  /** Rejects when the signal aborts or the time is over (with what `late` says); `onGiveUp` runs after. */
  limit(clock: Clock, { signal, timeout }: CallOptions, onGiveUp?: () => void, late: Late = noAnswer): this {
    if (this.settled) return this;
    const giveUp = (error: Error) => {
      if (this.settled) return;
      this.reject(error);
      onGiveUp?.();
    };
    const onAbort = () => giveUp(new AbortedError(undefined, { cause: signal?.reason }));
    if (signal?.aborted === true) {
      onAbort();
      return this;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      timeout === undefined || timeout === Number.POSITIVE_INFINITY
        ? undefined
        : clock.timer(timeout, () => giveUp(late(timeout)));
    this.#release = () => {
      signal?.removeEventListener('abort', onAbort);
      timer?.cancel();
    };
    return this;
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.#release?.();
    return true;
  }
}

/** Resolves after `ms`; rejects when the signal aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  const done = new Deferred<void>();
  const timer = clock.timer(ms, () => done.resolve());
  return done.limit(clock, { signal }, () => timer.cancel()).promise;
}
