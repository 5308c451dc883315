import { DamagedError, frame, type StorageKeys, unframe } from '@faaskeeper/protocol';
import { decodeLogPayload, isLogEntry, type LogEntry, type LogPayload } from './log-entry.ts';
import type { Random, UserStorage } from './ports.ts';

const PART_VERSION = 1;
const ID_BYTES = 8;

/**
 * Unique names that begin with the LOG sequence they belong to, so that a sweep can tell what is past from what is
 * still being written.
 */
export function sequencedId(sequence: number, random: Random): string {
  return `${sequence}-${Buffer.from(random.bytes(ID_BYTES)).toString('hex')}`;
}

/** The sequence (or zxid) of a name made by sequencedId, undefined for any other name. */
export function sequenceOfId(id: string): number | undefined {
  const match = /^(\d+)-[0-9a-f]+$/.exec(id);
  return match === null ? undefined : Number(match[1]);
}

/**
 * Stores an entry that does not fit a LOG message. `sequence` is the one that the append will have (its expected last
 * + 1): once LOG is trimmed past it the part is garbage, whether or not the append happened.
 */
export async function writeEntryPart(
  objects: UserStorage,
  keys: StorageKeys,
  options: { entry: LogEntry; sequence: number; random: Random },
): Promise<LogPayload> {
  const part = sequencedId(options.sequence, options.random);
  await objects.put(keys.logPart(part), frame(PART_VERSION, options.entry));
  return { in: 'object', id: options.entry.id, part };
}

/**
 * The entry of a LOG message, wherever it is kept.
 *
 * @throws MarshallingError when it cannot be decoded: it is never skipped.
 * @throws DamagedError when its part is.
 * @throws MissingPartError when its part is gone: LOG was trimmed past it, or user storage lost it.
 */
export async function readEntry(
  { objects }: { objects: UserStorage },
  keys: StorageKeys,
  bytes: Uint8Array,
): Promise<LogEntry> {
  const payload = decodeLogPayload(bytes);
  if (payload.in === 'message') return payload.entry;
  const what = `Part ${keys.logPart(payload.part)} of LOG`;
  const stored = await objects.get(keys.logPart(payload.part));
  if (stored === undefined) throw new MissingPartError(`${what} is not in user storage`);
  const entry = unframe(PART_VERSION, stored.body, what).value;
  if (!isLogEntry(entry) || entry.id !== payload.id) {
    throw new DamagedError(`${what} does not hold entry ${payload.id}`);
  }
  return entry;
}

export class MissingPartError extends Error {
  override name = 'MissingPartError';
}
