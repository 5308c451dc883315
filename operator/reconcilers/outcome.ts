import type { ConditionType, FaaSKeeperStatus, Finding } from '../api/index.ts';

type Status = Omit<FaaSKeeperStatus, 'conditions'>;

/** What one step of a reconciliation found out. */
export interface Outcome {
  readonly findings: readonly Finding[];
  /** What becomes part of the status. */
  readonly status?: { readonly [K in keyof Status]?: Status[K] | undefined };
  /** ms until there is something to do again. */
  readonly again?: number | undefined;
}

export function holds(type: ConditionType, reason: string, message: string): Finding {
  return { type, status: 'True', reason, message };
}

export function fails(type: ConditionType, reason: string, message: string): Finding {
  return { type, status: 'False', reason, message };
}

export function unknown(type: ConditionType, reason: string, message: string): Finding {
  return { type, status: 'Unknown', reason, message };
}

/** The sooner of the two. */
export function sooner(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined) return other;
  return other === undefined ? one : Math.min(one, other);
}

/** The user must change something: trying again right away is of no use. The message says what. */
export class UserError extends Error {
  override readonly name = 'UserError';
  /** CamelCase, for a condition. */
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
