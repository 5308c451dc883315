import { DamagedError, HaltedError, type StorageKeys } from '@faaskeeper/protocol';
import { BOUNDS } from './bounds.ts';
import { reportFault } from './faults.ts';
import type { LogEntry } from './log-entry.ts';
import { MissingPartError, readEntry } from './log-parts.ts';
import { LogTrimmedError, type Outside } from './ports.ts';
import { Backoff, RETRY } from './retry.ts';

/** A decoded LOG message; `bytes` is the size of its payload in LOG. */
export interface SequencedEntry {
  readonly sequence: number;
  readonly bytes: number;
  readonly entry: LogEntry;
}

/**
 * Pages through LOG from `from` to `to` (or to where this replica of it ends), in order and without gaps.
 *
 * @throws LogTrimmedError when something of it has been trimmed.
 */
export async function* readLog(
  outside: Outside,
  keys: StorageKeys,
  range: { from: number; to?: number },
): AsyncGenerator<SequencedEntry[]> {
  const to = range.to ?? Number.MAX_SAFE_INTEGER;
  let page: number = BOUNDS.logPageFirst;
  for (let next = range.from; next <= to; ) {
    const messages = await outside.log.read(next, Math.min(page, to - next + 1));
    if (messages.length === 0) return;
    const entries: SequencedEntry[] = [];
    let bytes = 0;
    for (const { sequence, payload } of messages) {
      if (sequence !== next) throw new HaltedError(`LOG has a gap: ${sequence} instead of ${next}`);
      entries.push({ sequence, bytes: payload.length, entry: await readTrimmable(outside, keys, sequence, payload) });
      bytes += payload.length;
      next++;
    }
    yield entries;
    const average = Math.max(1, bytes / messages.length);
    page = Math.max(1, Math.min(BOUNDS.logPageMost, page * 4, Math.floor(BOUNDS.logPageBytes / average)));
  }
}

/**
 * The entry of a LOG message. Parts go after LOG is trimmed past them: a missing one of a message that is gone by now is
 * no loss.
 *
 * @throws LogTrimmedError; HaltedError when its part is lost or damaged: nothing else has what it holds.
 */
export async function readTrimmable(
  outside: Outside,
  keys: StorageKeys,
  sequence: number,
  payload: Uint8Array,
): Promise<LogEntry> {
  try {
    return await readEntry(outside, keys, payload);
  } catch (cause) {
    const isLost = cause instanceof MissingPartError;
    if (!isLost && !(cause instanceof DamagedError)) throw cause;
    const { first } = await outside.log.bounds();
    if (first > sequence) throw new LogTrimmedError(`LOG is trimmed to ${first}`, { cause });
    const message = `User storage lost a part of LOG message ${sequence}: ${cause.message}`;
    reportFault(outside, 'log-part-damaged', { sequence, err: cause }, 'a part of LOG is damaged or lost');
    throw new HaltedError(message, { cause });
  }
}

/**
 * Waits until LOG has `sequence`, as it must: a stale replica or an election may hide it for a while.
 *
 * @throws HaltedError when it still ends before: it lost data (invariant 3).
 */
export async function expectInLog(outside: Outside, sequence: number, known: string): Promise<void> {
  const backoff = new Backoff(outside, RETRY.election);
  for (;;) {
    const { last } = await outside.log.bounds();
    if (last >= sequence) return;
    outside.logger.warn({ last, sequence, known }, 'LOG ends before what is known of it; looking again');
    if (!(await backoff.wait())) {
      reportFault(outside, 'log-behind', { last, sequence, known }, 'LOG lost data: the instance takes no writes');
      throw new HaltedError(`LOG ends at ${last}, but ${known} says ${sequence}: LOG lost data`);
    }
  }
}
