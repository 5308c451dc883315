import type { Clock } from '../ports.ts';
import { type CallOptions, Deferred } from '../waiting.ts';

/** What all calls of a session share: the caller's promise, its limits, and its end with the session. */
export abstract class PendingCall<T> {
  abstract readonly kind: 'read' | 'write';
  readonly result = new Deferred<T>();

  get over(): boolean {
    return this.result.settled;
  }

  /** Ends the call for its caller. */
  fail(error: unknown): void {
    if (this.over) return;
    this.result.reject(error);
    this.onOver();
  }

  limit(clock: Clock, options: CallOptions, onGiveUp: () => void): void {
    this.result.limit(clock, options, () => {
      this.onOver();
      onGiveUp();
    });
  }

  protected abstract onOver(): void;
}
