import type { Operation, Outcome, SessionChange } from '../history.ts';

/** What a session tells beside the answers to its calls. */
export interface SessionListener {
  changed(change: SessionChange, id: number): void;
  event(event: string, path: string, zxid: number): void;
}

/** One session of either client; a call at a time. */
export interface Session {
  readonly id: number;
  /** False once it has expired, was closed or given up. */
  readonly alive: boolean;
  /** Never rejects. */
  perform(operation: Operation): Promise<Outcome>;
  /** Ends the session if it can be reached, and this client in any case. Never rejects. */
  close(): Promise<void>;
}

/** Answers like any other: the request was judged and nothing was done. */
const ANSWERS: ReadonlySet<string> = new Set(['NoNode', 'NodeExists', 'BadVersion', 'NotEmpty']);
/** The request was certainly not judged. */
const REFUSALS: ReadonlySet<string> = new Set(['Throttled', 'BadArguments', 'NoAuth', 'QuotaExceeded']);

/** What an error says about the call's outcome. */
export function failed(operation: Operation, error: string, details: { path?: string; zxid?: number } = {}): Outcome {
  if (ANSWERS.has(error)) return { type: 'ok', result: { error, nodes: [], ...details } };
  const nothingDone = operation.f === 'read' || REFUSALS.has(error);
  return { type: nothingDone ? 'fail' : 'info', error };
}
