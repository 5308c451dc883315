import { DamagedError, frame, type StorageKeys, unframe } from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import { sequencedId } from '../log-parts.ts';
import type { Mutation, Random, Table, UserStorage } from '../ports.ts';
import { addressKey } from '../tables.ts';
import type { Part } from './manifest.ts';

const VERSION = 1;

/** A value with the string it is sorted by. */
export interface Keyed {
  readonly key: string;
  readonly mutation: Mutation;
}

/** A part that a manifest names is gone: another checkpoint replaced that manifest. */
export class PartGoneError extends Error {
  override name = 'PartGoneError';
}

/** Where parts are kept. */
export type PartKeys = Pick<StorageKeys, 'checkpointPart'>;

/** Writes sorted values as immutable parts; named by the sequence of the checkpoint that they are for. */
export async function writeParts(
  { objects, random }: { objects: UserStorage; random: Random },
  keys: PartKeys,
  content: { sequence: number; values: AsyncIterable<Keyed> | Iterable<Keyed> },
): Promise<Part[]> {
  const parts: Part[] = [];
  let pending: Keyed[] = [];
  let bytes = 0;
  const flush = async () => {
    if (pending.length === 0) return;
    const id = sequencedId(content.sequence, random);
    const rows = pending.map(({ mutation: { table, group, key, value } }) => [table, group, key, value]);
    const body = frame(VERSION, rows);
    await objects.put(keys.checkpointPart(id), body);
    parts.push({ id, first: pending[0]!.key, count: pending.length, bytes: body.length });
    pending = [];
    bytes = 0;
  };
  for await (const keyed of content.values) {
    pending.push(keyed);
    bytes += keyed.key.length + (keyed.mutation.value?.length ?? 0);
    if (bytes >= BOUNDS.partBytes || pending.length >= BOUNDS.partValues) await flush();
  }
  await flush();
  return parts;
}

/** @throws PartGoneError, DamagedError */
async function readPart(objects: UserStorage, keys: PartKeys, part: Part): Promise<Keyed[]> {
  const what = `Part ${part.id} of a checkpoint`;
  const stored = await objects.get(keys.checkpointPart(part.id));
  if (stored === undefined) throw new PartGoneError(`${what} is not in user storage`);
  const rows = unframe(VERSION, stored.body, what).value;
  if (!Array.isArray(rows) || rows.length !== part.count) throw new DamagedError(`${what} is not complete`);
  return rows.map((row: unknown) => keyed(row, what));
}

function keyed(row: unknown, what: string): Keyed {
  if (!Array.isArray(row)) throw new DamagedError(`${what} is not valid`);
  const [table, group, key, value] = row as unknown[];
  if (typeof table !== 'string' || typeof group !== 'string' || typeof key !== 'string') {
    throw new DamagedError(`${what} is not valid`);
  }
  if (value !== null && !(value instanceof Uint8Array)) throw new DamagedError(`${what} is not valid`);
  const mutation: Mutation = { table: table as Table, group, key, value };
  return { key: addressKey(mutation), mutation };
}

export async function* readParts(objects: UserStorage, keys: PartKeys, parts: readonly Part[]): AsyncGenerator<Keyed> {
  for (const part of parts) yield* await readPart(objects, keys, part);
}

/**
 * Merges sorted sources, oldest first: of equal keys the newest source's value wins. `dropNulls`: nothing older lies
 * below, so what was removed needs no trace.
 */
export async function* merge(
  sources: readonly AsyncIterator<Keyed>[],
  { dropNulls }: { dropNulls: boolean },
): AsyncGenerator<Keyed> {
  const heads = await Promise.all(sources.map(async (source) => await take(source)));
  for (;;) {
    let winner = -1;
    for (let i = 0; i < heads.length; i++) {
      const head = heads[i];
      if (head !== undefined && (winner < 0 || head.key <= heads[winner]!.key)) winner = i;
    }
    if (winner < 0) return;
    const value = heads[winner]!;
    for (let i = 0; i < heads.length; i++) {
      if (heads[i]?.key === value.key) heads[i] = await take(sources[i]!);
    }
    if (!dropNulls || value.mutation.value !== null) yield value;
  }
}

async function take(source: AsyncIterator<Keyed>): Promise<Keyed | undefined> {
  const next = await source.next();
  return next.done === true ? undefined : next.value;
}

/** Which suffix of the runs (by bytes, oldest first, the newest last) becomes one: index of its first run. */
export function mergeFrom(bytes: readonly number[]): number {
  let from = bytes.length - 1;
  let sum = bytes[from] ?? 0;
  while (from > 0 && (bytes[from - 1]! <= BOUNDS.runRatio * sum || from >= BOUNDS.runs)) {
    from--;
    sum += bytes[from]!;
  }
  return Math.max(0, from);
}
