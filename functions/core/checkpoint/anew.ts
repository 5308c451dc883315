import {
  DamagedError,
  decodeData,
  decodeNodeObject,
  encode,
  type StorageKeys,
  SystemError,
} from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import { readLog } from '../log-reader.ts';
import { inParallel } from '../parallel.ts';
import type { Address, Mutation, Outside, Table } from '../ports.ts';
import { addressKey, at } from '../tables.ts';
import { Fold } from './fold.ts';
import type { Manifest, Run } from './manifest.ts';
import { type Keyed, writeParts } from './runs.ts';

/** Tables of the system store without groups, and those with one for each session. */
const TABLES: readonly Table[] = ['node', 'session', 'progress', 'nonce', 'timed', 'registration', 'quota', 'total'];
const TABLES_OF_SESSIONS: readonly Table[] = ['result', 'ephemeral'];

/**
 * A checkpoint without an older one: where that is damaged or lost, the applied state and what user storage shows have
 * all of it. Both move on while they are read, so the values are of different times; LOG since the beginning, laid over
 * them, makes the whole exact at its end.
 *
 * @param storedSequence the stored watermark: what is shown is not older, and LOG is kept from there.
 * @throws DamagedError when a node's data is nowhere; SystemError when the stores move too much: try again.
 */
export async function checkpointAnew(
  outside: Outside,
  keys: StorageKeys,
  { storedSequence, pause }: { storedSequence(): Promise<number>; pause(attempt: number): Promise<void> },
): Promise<Manifest> {
  const from = await storedSequence();
  const state = await stateOf(outside);
  if (state.applied < from) throw new SystemError(`The system store is at ${state.applied}, behind ${from}`);
  const addresses = await addressesOf(outside);
  const lacking = new Set<string>();
  const kept = await writeParts(outside, keys, {
    sequence: from,
    values: keptOf(outside, addresses, state.generation),
  });
  const paths = addresses.filter(({ table }) => table === 'node').map(({ key }) => key);
  const data = await writeParts(outside, keys, { sequence: from, values: datasOf(outside, keys, paths, lacking) });
  const { applied } = await stateOf(outside, state.generation);
  let to = await storedSequence();
  for (let attempt = 1; to < applied; attempt++) {
    if (attempt > BOUNDS.raceAttempts) throw new SystemError(`The watermark stays at ${to}, behind ${applied}`);
    await pause(attempt);
    to = await storedSequence();
  }
  const base: Run = { from: 0, to: from, bytes: sizeOf([...kept, ...data]), kept, data };
  const tail = await tailOf(outside, keys, { from, to, zxid: state.zxid });
  for (const path of lacking) {
    if (!tail.datas.has(path))
      throw new DamagedError(`The data of ${path} is neither in user storage nor in LOG`, { path });
  }
  return { sequence: to, zxid: tail.zxid, runs: [base, ...tail.runs], tombstones: [] };
}

async function stateOf({ system }: Outside, generation?: string) {
  const { state } = await system.read([]);
  if (state === undefined || (generation !== undefined && state.generation !== generation)) {
    throw new SystemError('The system store was rebuilt while a checkpoint was made of it');
  }
  return state;
}

/** Of all values, in the order of checkpoints. */
async function addressesOf({ system }: Outside): Promise<Address[]> {
  const found = new Map<string, Address>();
  const gather = async (table: Table, group: string) => {
    for await (const page of system.scan(table, group)) {
      for (const [key] of page) found.set(addressKey({ table, group, key }), { table, group, key });
    }
  };
  for (const table of TABLES) await gather(table, '');
  const sessions = [...found.values()].filter(({ table }) => table === 'session').map(({ key }) => key);
  for (const session of sessions) for (const table of TABLES_OF_SESSIONS) await gather(table, session);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, address]) => address);
}

async function* keptOf({ system }: Outside, addresses: readonly Address[], generation: string): AsyncGenerator<Keyed> {
  for (let first = 0; first < addresses.length; first += BOUNDS.rebuildMutations) {
    const some = addresses.slice(first, first + BOUNDS.rebuildMutations);
    const { state, values } = await system.read(some);
    if (state?.generation !== generation) throw new SystemError('The system store was rebuilt meanwhile');
    // What is gone by now is removed by LOG as well.
    for (const [i, value] of values.entries()) if (value !== null) yield keyedOf({ ...some[i]!, value });
  }
}

/** `lacking` gets the paths of those whose data cannot be read: what LOG tells later must have it. */
async function* datasOf(
  { objects }: Outside,
  keys: StorageKeys,
  paths: readonly string[],
  lacking: Set<string>,
): AsyncGenerator<Keyed> {
  for (let first = 0; first < paths.length; first += BOUNDS.parallelObjects) {
    const some = paths.slice(first, first + BOUNDS.parallelObjects);
    const found = new Map<string, Uint8Array | null>();
    await inParallel(some, BOUNDS.parallelObjects, async (path) => {
      try {
        const data = await shownData(objects, keys, path);
        if (data === undefined) lacking.add(path);
        else found.set(path, data);
      } catch (error) {
        if (!(error instanceof DamagedError)) throw error;
        lacking.add(path);
      }
    });
    for (const path of some) {
      const data = found.get(path);
      if (data !== undefined) yield keyedOf({ ...at.data(path), value: encode(data) });
    }
  }
}

async function shownData(
  objects: Outside['objects'],
  keys: StorageKeys,
  path: string,
): Promise<Uint8Array | null | undefined> {
  let stored = await objects.get(keys.node(path));
  let node = stored === undefined ? undefined : decodeNodeObject(stored.body, path);
  const isProtected = node?.state === 'protected';
  if (isProtected) {
    stored = await objects.get(keys.protectedNode(path));
    node = stored === undefined ? undefined : decodeNodeObject(stored.body, path);
  }
  if (node?.state !== 'node') return undefined;
  if (node.dataId === undefined) return node.data;
  const data = await objects.get((isProtected ? keys.protectedData : keys.data)(path, node.dataId));
  return data === undefined ? undefined : decodeData(data.body, path);
}

async function tailOf(outside: Outside, keys: StorageKeys, range: { from: number; to: number; zxid: number }) {
  const { from, to } = range;
  const fold = new Fold();
  let zxid = range.zxid;
  let last = from;
  for await (const page of readLog(outside, keys, { from: from + 1, to })) {
    for (const { sequence, entry } of page) {
      fold.add(entry);
      last = sequence;
      zxid = entry.zxid;
    }
  }
  if (last < to) throw new SystemError(`LOG can be read up to ${last} only, not to ${to}`);
  const values = fold.values();
  const datas = new Set(values.data.map(({ mutation }) => mutation.key));
  if (last === from) return { zxid, runs: [], datas };
  const kept = await writeParts(outside, keys, { sequence: to, values: values.kept });
  const data = await writeParts(outside, keys, { sequence: to, values: values.data });
  return { zxid, runs: [{ from, to, bytes: sizeOf([...kept, ...data]), kept, data }] satisfies Run[], datas };
}

function keyedOf(mutation: Mutation): Keyed {
  return { key: addressKey(mutation), mutation };
}

function sizeOf(parts: readonly { bytes: number }[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
