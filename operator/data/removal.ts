import { type Outside, type SystemStore, TRIGGER_LOCK, type UserStorage } from '@faaskeeper/functions/core';
import { DATA } from './bounds.ts';
import { DataError } from './errors.ts';

/** The same for every attempt, so that the next goes on where one was killed. */
const HOLDER = 'removal';

/**
 * Waits until no trigger serves an instance whose registration is gone, and sees to it that none does for a while.
 *
 * @throws DataError StillServed
 */
export async function awaitRelease(
  { system, clock }: { system: SystemStore; clock: Outside['clock'] },
  { instance, signal }: { instance: string; signal?: AbortSignal | undefined },
): Promise<void> {
  const until = clock.now() + DATA.releaseMs;
  while ((await system.lock(TRIGGER_LOCK, HOLDER, DATA.lockMs)) === undefined) {
    if (clock.now() >= until) {
      throw new DataError(
        'StillServed',
        `A trigger still serves instance ${instance}; the removal goes on when it lets go`,
      );
    }
    await clock.sleep(DATA.releasePollMs, signal);
  }
}

/**
 * Removes every object below a prefix, page by page, and looks again until there is none: a function that was told to
 * let go may store a last one meanwhile.
 *
 * @throws DataError StorageNotEmpty
 */
export async function purgeObjects(
  objects: UserStorage,
  { prefix, clock, signal }: { prefix: string; clock: Outside['clock']; signal?: AbortSignal | undefined },
): Promise<number> {
  let removed = 0;
  for (let pass = 1; pass <= DATA.purgePasses; pass++) {
    const before = removed;
    for await (const page of objects.list(prefix)) {
      signal?.throwIfAborted();
      await objects.delete(page);
      removed += page.length;
    }
    if (removed === before && pass > 1) return removed;
    await clock.sleep(DATA.quietMs, signal);
  }
  throw new DataError('StorageNotEmpty', `Somebody keeps writing objects below ${prefix}`);
}
