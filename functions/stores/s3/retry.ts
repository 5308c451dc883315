import { setTimeout as sleep } from 'node:timers/promises';
import { ObjectStoreError } from '@faaskeeper/objects';

/** Attempts of calls that may be repeated, and waits between them (ms, doubled each time, with full jitter). */
const BOUNDS = { attempts: 4, firstWaitMs: 25, maxWaitMs: 500 } as const;

/** Repeats a call that changes nothing when repeated, unless its answer is final. */
export async function retrying<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt === BOUNDS.attempts || signal?.aborted || isFinal(error)) throw error;
      const wait = Math.min(BOUNDS.maxWaitMs, BOUNDS.firstWaitMs * 2 ** attempt) * Math.random();
      await sleep(wait, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/** HTTP status of an answer, or undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  if (error instanceof ObjectStoreError) return error.status;
  // The SDK's, which need not be loaded to be known.
  return (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

function isFinal(error: unknown): boolean {
  const status = statusOf(error);
  return status !== undefined && status < 500 && status !== 429 && status !== 408;
}
