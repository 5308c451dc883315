import { type ErrorContext, OperationTimeoutError } from '@faaskeeper/protocol';
import type { Clock } from '../ports.ts';
import { type CallOptions, Deferred } from '../waiting.ts';

/** What keeps a call from its end. */
export interface Obstacle {
  readonly what: string;
  readonly cause?: unknown;
}

/** Of a call whose turn it is not. */
export const BEHIND_OTHERS: Obstacle = { what: 'calls before it have no answer' };

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

  /** `about` tells, when the time is over, what the call was about. */
  limit(clock: Clock, options: CallOptions, onGiveUp: () => void, about: () => ErrorContext & Partial<Obstacle>): void {
    const onLimit = () => {
      this.onOver();
      onGiveUp();
    };
    const late = (ms: number) => {
      const context = { ...this.obstacle, ...about() };
      const of = context.path === undefined ? '' : ` for ${context.path}`;
      return new OperationTimeoutError(`No answer${of} within ${ms} ms: ${context.what}`, context);
    };
    this.result.limit(clock, options, onLimit, late);
  }

  protected abstract get obstacle(): Obstacle;

  protected abstract onOver(): void;
}
