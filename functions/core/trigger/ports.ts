import type { Clock, LaneSource, Logger, Outside, Random } from '../ports.ts';

/** What the trigger needs of the outside besides the stores. */
export interface Functions {
  /**
   * Sends one CloudEvent to the function that takes its type and resolves with the answer's body.
   *
   * @throws InvocationError
   */
  invoke(type: string, instance: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
}

/** An event was not answered with a 2xx. It may have been handled nevertheless. */
export class InvocationError extends Error {
  override readonly name = 'InvocationError';
  /** Undefined: there was no answer. */
  readonly status: number | undefined;
  /** Why the instance takes no writes, if that is the reason. */
  readonly halted: string | undefined;

  constructor(message: string, detail: { status?: number; halted?: string; cause?: unknown } = {}) {
    super(message, detail.cause === undefined ? {} : { cause: detail.cause });
    this.status = detail.status;
    this.halted = detail.halted;
  }
}

export type LaneName = 'request' | 'log' | { readonly sink: string };
export type LaneState = 'closed' | 'opening' | 'waiting' | 'posting' | 'retrying';

export function laneLabel(name: LaneName): 'request' | 'log' | 'sink' {
  return typeof name === 'string' ? name : 'sink';
}

export interface LaneMetrics {
  batch(lane: string, messages: number, durationMs: number): void;
  failure(lane: string): void;
  state(lane: string, from: LaneState, to: LaneState): void;
}

export interface TriggerMetrics extends LaneMetrics {
  sessions(instance: string, count: number): void;
  suspects(count: number): void;
  watermark(instance: string, zxid: number): void;
  owned(instance: string, owned: boolean): void;
  /** It takes no writes: the stores disagree, or a newer release has written there. */
  halted(instance: string, halted: boolean): void;
  /** The instance is gone. */
  forget(instance: string): void;
}

export interface TriggerOutside extends Outside {
  readonly functions: Functions;
  readonly metrics: TriggerMetrics;
  /** Default TRIGGER.hibernateAfterMs; 0: never. */
  readonly hibernateAfterMs?: number | undefined;
  lane(name: LaneName): LaneSource;
}

export type Timing = { readonly clock: Clock; readonly random: Random; readonly logger: Logger };
