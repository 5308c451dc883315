import { isFaaSKeeperError } from '@faaskeeper/protocol';

/** Why an event was not handled; `type` is stable. docs/operations.md says what to do about each. */
export const PROBLEMS = {
  'bad-event': 400,
  unauthorized: 401,
  'unknown-instance': 404,
  'too-large': 413,
  failed: 500,
  halted: 503,
  'newer-format': 503,
  stopping: 503,
} as const;
export type ProblemType = keyof typeof PROBLEMS;

/** What a caller is told when an event was not handled (RFC 9457, application/problem+json). */
export interface Problem {
  readonly type: ProblemType;
  readonly status: (typeof PROBLEMS)[ProblemType];
  readonly detail: string;
}

export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly type: ProblemType;

  constructor(type: ProblemType, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.type = type;
  }
}

/** The problem that an error stands for: what is not foreseen is `failed`. */
export function problemOf(error: unknown): Problem {
  const type = error instanceof ProblemError ? error.type : typeOf(error);
  return { type, status: PROBLEMS[type], detail: error instanceof Error ? error.message : String(error) };
}

function typeOf(error: unknown): ProblemType {
  if (!isFaaSKeeperError(error)) return 'failed';
  return error.code === 'Halted' ? 'halted' : error.code === 'NewerFormat' ? 'newer-format' : 'failed';
}
