import type { UserStorage } from '@faaskeeper/functions/core';
import { contentOf, type Keyed, type Manifest, readParts } from '@faaskeeper/functions/core/checkpoint';
import { decode, type NodeMeta, parentPath, type StorageKeys } from '@faaskeeper/protocol';
import { DataError } from '../errors.ts';
import { checked } from './checked.ts';
import type { BackupKeys, BackupManifest } from './format.ts';

/** A tree as of one LOG sequence, as values sorted by their address. */
export interface Tree {
  readonly sequence: number;
  readonly zxid: number;
  /** `kept`: nodes without their data, timed nodes, registrations, records of quotas; each call reads anew. */
  content(section: 'kept' | 'data'): AsyncGenerator<Keyed>;
}

/** Without the sessions, their results and their secrets: those end with the life of the instance. */
const TABLES: ReadonlySet<string> = new Set(['node', 'timed', 'registration', 'quota', 'data']);

export function treeOfCheckpoint(objects: UserStorage, keys: StorageKeys, manifest: Manifest): Tree {
  return {
    sequence: manifest.sequence,
    zxid: manifest.zxid,
    async *content(section) {
      for await (const keyed of contentOf(objects, keys, manifest, section)) {
        if (TABLES.has(keyed.mutation.table)) yield keyed;
      }
    },
  };
}

/** Its parts are compared with their checksums as they are read. */
export function treeOfBackup(objects: UserStorage, keys: BackupKeys, manifest: BackupManifest): Tree {
  const what = `Backup ${manifest.name} of ${manifest.instance}`;
  const sha256s = new Map(
    [...manifest.kept, ...manifest.data].map(({ id, sha256 }) => [keys.checkpointPart(id), sha256]),
  );
  const source = checked(objects, sha256s, what);
  return {
    sequence: manifest.sequence,
    zxid: manifest.zxid,
    content: (section) => readParts(source, keys, manifest[section]),
  };
}

export function metaOf({ mutation }: Keyed): NodeMeta {
  return decode(mutation.value ?? new Uint8Array(0), 'node') as NodeMeta;
}

export interface TreeCounts {
  readonly nodes: number;
  readonly ephemerals: number;
  readonly registrations: number;
  readonly dataBytes: number;
}

/** Counts what passes through, in any order of calls to next. */
export class TreeCounter {
  nodes = 0;
  ephemerals = 0;
  registrations = 0;
  dataBytes = 0;

  async *through(content: AsyncIterable<Keyed>): AsyncGenerator<Keyed> {
    for await (const keyed of content) {
      if (keyed.mutation.table === 'node') this.#node(metaOf(keyed));
      if (keyed.mutation.table === 'registration') this.registrations++;
      yield keyed;
    }
  }

  get counts(): TreeCounts {
    const { nodes, ephemerals, registrations, dataBytes } = this;
    return { nodes, ephemerals, registrations, dataBytes };
  }

  #node(meta: NodeMeta): void {
    this.nodes++;
    if (meta.kind === 'ephemeral') this.ephemerals++;
    this.dataBytes += meta.dataLength;
  }
}

/**
 * Reads a whole tree and finds out whether it is one: sorted, every parent there with as many children as it says, every
 * node with as much data as it says.
 *
 * @throws DataError BackupDamaged
 */
export async function checkTree(tree: Tree, what: string): Promise<TreeCounts> {
  const counter = new TreeCounter();
  const fail = (problem: string) => new DataError('BackupDamaged', `${what} is damaged: ${problem}`);
  /** Children that a node says it has and that were not met yet; below zero: met before it. */
  const open = new Map<string, number>();
  const count = (path: string, by: number) => {
    const sum = (open.get(path) ?? 0) + by;
    if (sum === 0) open.delete(path);
    else open.set(path, sum);
  };
  const datas = lengths(tree.content('data'));
  let data = (await datas.next()).value;
  let last = '';
  for await (const keyed of counter.through(tree.content('kept'))) {
    if (keyed.key <= last) throw fail(`${JSON.stringify(keyed.key)} is not in order`);
    last = keyed.key;
    if (keyed.mutation.table !== 'node') continue;
    const path = keyed.mutation.key;
    const meta = metaOf(keyed);
    count(path, meta.numChildren);
    if (path !== '/') count(parentPath(path), -1);
    if (data !== undefined && data.path < path) throw fail(`there is data of ${data.path}, but no such node`);
    const length = data?.path === path ? data.length : 0;
    if (length !== meta.dataLength) throw fail(`${path} has ${length} bytes of data instead of ${meta.dataLength}`);
    if (data?.path === path) data = (await datas.next()).value;
  }
  if (data !== undefined) throw fail(`there is data of ${data.path}, but no such node`);
  const [wrong] = open;
  if (wrong !== undefined) throw fail(`children of ${wrong[0]} are missing or not counted (${wrong[1]})`);
  if (counter.nodes === 0) throw fail('it has no root');
  return counter.counts;
}

async function* lengths(content: AsyncIterable<Keyed>): AsyncGenerator<{ path: string; length: number }, undefined> {
  for await (const { mutation } of content) {
    const data = decode(mutation.value ?? new Uint8Array(0), 'data') as Uint8Array | null;
    yield { path: mutation.key, length: data?.length ?? 0 };
  }
  return undefined;
}
