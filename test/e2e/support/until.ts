import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  readonly timeoutMs: number;
  readonly everyMs?: number;
}

/** The first result that is not thrown away; at the end, the last reason. */
export async function until<Result>(
  attempt: () => Promise<Result>,
  { timeoutMs, everyMs = 500 }: UntilOptions,
): Promise<Result> {
  const ends = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > ends) throw error;
    }
    await sleep(everyMs);
  }
}
