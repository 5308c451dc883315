import { BOUNDS } from './bounds.ts';
import type { Outside } from './ports.ts';

/** Runs `work` on each item, at most `limit` at a time; after a failure nothing new is begun, and it is thrown. */
export async function inParallel<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failure: { cause: unknown } | undefined;
  let more = true;
  const worker = async () => {
    for (let next = iterator.next(); !next.done && failure === undefined; next = iterator.next()) {
      try {
        await work(next.value);
      } catch (cause) {
        failure ??= { cause };
      }
    }
    more = false;
  };
  const workers: Promise<void>[] = [];
  while (more && workers.length < limit) workers.push(worker());
  await Promise.all(workers);
  if (failure !== undefined) throw failure.cause;
}

/** Sleeps before try number `attempt` (1, 2, …): exponential, with full jitter. */
export async function backOff({ clock, random }: Pick<Outside, 'clock' | 'random'>, attempt: number): Promise<void> {
  const most = Math.min(BOUNDS.retryMostMs, BOUNDS.retryFirstMs * 2 ** attempt);
  await clock.sleep(Math.ceil(most * random.fraction()));
}

/** One at a time, in the order of the calls. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
