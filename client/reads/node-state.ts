import {
  decodeChunk,
  decodeNodeObject,
  MarshallingError,
  type Stat,
  type StorageKeys,
  storageKeys,
  toStat,
} from '@faaskeeper/protocol';
import { DEFAULTS } from '../defaults.ts';
import type { Clock, ObjectReader } from '../ports.ts';
import { sleep } from '../waiting.ts';

/**
 * A node as user storage shows it. `zxid` is the last transaction that it reflects. `protected`: only the system may
 * say more. `children` is absent where the names are in chunks that nobody asked for.
 */
export type NodeState =
  | {
      readonly state: 'node';
      readonly zxid: number;
      readonly stat: Stat;
      readonly data: Uint8Array | null;
      readonly children?: readonly string[];
    }
  | { readonly state: 'absent'; readonly zxid: number }
  | { readonly state: 'protected'; readonly zxid: number };

/** Reads nodes from user storage. Outages are waited out; the caller's signal ends that. */
export class NodeReader {
  readonly #objects: ObjectReader;
  readonly #clock: Clock;
  readonly #prefix: string;
  /** Made when it is needed first: a session that finds all it reads in the cache never does. */
  #known: StorageKeys | undefined;

  constructor(objects: ObjectReader, clock: Clock, prefix: string) {
    this.#objects = objects;
    this.#clock = clock;
    this.#prefix = prefix;
  }

  get #keys(): StorageKeys {
    this.#known ??= storageKeys(this.#prefix);
    return this.#known;
  }

  /** @throws MarshallingError when the stored object stays damaged, or the signal's AbortedError. */
  async read(path: string, withChildren: boolean, signal?: AbortSignal): Promise<NodeState> {
    let delay: number = DEFAULTS.readRetryFirst;
    for (let damaged = 0; ; ) {
      try {
        const node = await this.#readOnce(path, withChildren, signal);
        if (node !== undefined) return node;
      } catch (error) {
        if (error instanceof MarshallingError && ++damaged >= DEFAULTS.corruptReads) throw error;
        if (signal?.aborted === true) throw error;
      }
      await sleep(this.#clock, delay, signal);
      delay = Math.min(delay * 2, DEFAULTS.readRetryMax);
    }
  }

  /** undefined: a chunk is gone, so the node's object has been replaced meanwhile. */
  async #readOnce(path: string, withChildren: boolean, signal?: AbortSignal): Promise<NodeState | undefined> {
    const body = await this.#objects.get(this.#keys.node(path), signal);
    if (body === undefined) return { state: 'absent', zxid: 0 };
    const node = decodeNodeObject(body, path);
    if (node.state !== 'node') return { state: node.state, zxid: node.zxid };
    const { zxid, data } = node;
    const stat = Object.freeze(toStat(node.meta));
    const known = { state: 'node', zxid, stat, data: data === null ? null : plainView(data) } as const;
    if (node.children.in === 'object') return { ...known, children: node.children.names };
    if (!withChildren) return known;
    const chunks = await Promise.all(
      node.children.chunks.map(({ id }) => this.#objects.get(this.#keys.chunk(path, id), signal)),
    );
    const children: string[] = [];
    for (const chunk of chunks) {
      if (chunk === undefined) return undefined;
      for (const name of decodeChunk(chunk, path)) children.push(name);
    }
    return { ...known, children };
  }
}

/** Not a Buffer: what callers get has one type. */
export function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
