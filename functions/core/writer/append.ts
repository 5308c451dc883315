import { LIMITS, type StorageKeys, SystemError } from '@faaskeeper/protocol';
import { decodeLogPayload, encodeLogPayload, type LogEntry } from '../log-entry.ts';
import { writeEntryPart } from '../log-parts.ts';
import { LogTrimmedError, type Outside } from '../ports.ts';
import { Backoff, RETRY } from '../retry.ts';

/** Room for headers and for what NATS counts besides the payload, bytes. */
const MAX_ENTRY_BYTES = LIMITS.payloadBytes - 64 * 1024;

/**
 * Compare-and-append: the one commit point (invariant 1). True when the entry is in LOG at `expected + 1`; false when
 * another entry is. A refusal or a missing answer decides nothing: the entry at that place does.
 *
 * @throws SystemError when the log does not answer for RETRY.store.limitMs; the outcome is then found by whoever reads
 * the log next, and nobody has been answered.
 */
export async function append(
  outside: Outside,
  keys: StorageKeys,
  entry: LogEntry,
  expected: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const payload = await payloadOf(outside, keys, entry, expected + 1);
  const backoff = new Backoff(outside, RETRY.store);
  for (;;) {
    const attempt = await outside.log.append(payload, expected, signal);
    if (attempt.outcome === 'appended') return true;
    const found = await entryIdAt(outside, expected + 1);
    if (found !== undefined) return found === entry.id;
    if (!(await backoff.wait(signal))) {
      throw new SystemError(`LOG gives no clear answer to an append behind ${expected}`, { cause: attempt.cause });
    }
  }
}

async function payloadOf(
  { objects, random }: Outside,
  keys: StorageKeys,
  entry: LogEntry,
  sequence: number,
): Promise<Uint8Array> {
  const payload = encodeLogPayload({ in: 'message', entry });
  if (payload.length <= MAX_ENTRY_BYTES) return payload;
  return encodeLogPayload(await writeEntryPart(objects, keys, { entry, sequence, random }));
}

/** The id of the entry at a sequence; undefined when there is none, or a stale reader shows none. */
async function entryIdAt(outside: Outside, sequence: number): Promise<string | undefined> {
  try {
    const [message] = await outside.log.read(sequence, 1);
    if (message === undefined || message.sequence !== sequence) return undefined;
    const payload = decodeLogPayload(message.payload);
    return payload.in === 'message' ? payload.entry.id : payload.id;
  } catch (error) {
    // Trimmed: others have gone on from there, so it was not ours that is judged now.
    if (error instanceof LogTrimmedError) return 'trimmed';
    outside.logger.warn({ err: error, sequence }, 'LOG cannot be read to resolve an append');
    return undefined;
  }
}
