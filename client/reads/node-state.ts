import {
  DamagedError,
  decodeChunk,
  decodeData,
  decodeNodeObject,
  NewerFormatError,
  nodeName,
  type PresentNode,
  parentPath,
  type Stat,
  type StorageKeys,
  storageKeys,
  toStat,
} from '@faaskeeper/protocol';
import { DEFAULTS } from '../defaults.ts';
import type { Clock, ObjectReader, OnReadFailure } from '../ports.ts';
import { sleep } from '../waiting.ts';

export type ReadKind = 'getData' | 'exists' | 'getChildren';

/**
 * A node as user storage shows it. `zxid` is the last transaction that it reflects. `protected`: only the system may
 * say more. `children` is absent where the names are in chunks that nobody asked for, `data` where it is apart likewise.
 */
export type NodeState =
  | {
      readonly state: 'node';
      readonly zxid: number;
      readonly stat: Stat;
      readonly data?: Uint8Array | null;
      readonly children?: readonly string[];
    }
  | { readonly state: 'absent'; readonly zxid: number }
  | { readonly state: 'protected'; readonly zxid: number };

type Get = (key: string) => Promise<Uint8Array | undefined>;

/** No stub says so. */
const ASK_THE_SYSTEM: NodeState = { state: 'protected', zxid: 0 };

/** Reads nodes from user storage. Outages are waited out; the caller's signal ends that. */
export class NodeReader {
  readonly #objects: ObjectReader;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #onFailure: OnReadFailure;
  /** Made when it is needed first: a session that finds all it reads in the cache never does. */
  #known: StorageKeys | undefined;
  /** Of the newest read, if that failed and is to be repeated. */
  failure: unknown;

  constructor(objects: ObjectReader, clock: Clock, prefix: string, onFailure: OnReadFailure = () => undefined) {
    this.#objects = objects;
    this.#clock = clock;
    this.#prefix = prefix;
    this.#onFailure = onFailure;
  }

  get #keys(): StorageKeys {
    this.#known ??= storageKeys(this.#prefix);
    return this.#known;
  }

  /**
   * A node whose object stays damaged, or is lost as far as its parent says, counts as protected: the system tells what
   * it is, and repairs it. A storage that does not have everything up to zxid `covered` is waited for.
   *
   * @throws NewerFormatError, or the signal's AbortedError.
   */
  async read(path: string, kind: ReadKind, signal?: AbortSignal, covered = 0): Promise<NodeState> {
    const get: Get = (key) => this.#objects.get(key, signal, covered);
    let delay: number = DEFAULTS.readRetryFirst;
    for (let damaged = 0; ; ) {
      try {
        const node = await this.#readOnce(path, kind, get);
        if (node !== undefined && !(await this.#isLost(path, node, get))) {
          this.failure = undefined;
          return node;
        }
        damaged++;
      } catch (error) {
        if (error instanceof NewerFormatError || signal?.aborted === true) throw error;
        if (error instanceof DamagedError) damaged++;
        this.failure = error;
        this.#onFailure(path, error);
      }
      if (damaged >= DEFAULTS.corruptReads) return ASK_THE_SYSTEM;
      await sleep(this.#clock, delay, signal);
      delay = Math.min(delay * 2, DEFAULTS.readRetryMax);
    }
  }

  /**
   * Nothing is stored of a node that its parent lists. Where there is a tombstone, or a parent that lists it not, it does
   * not exist; below a parent that cannot be read here, nobody asks.
   */
  async #isLost(path: string, node: NodeState, get: Get): Promise<boolean> {
    if (node.state !== 'absent' || node.zxid > 0) return false;
    if (path === '/') return true;
    const above = parentPath(path);
    const body = await get(this.#keys.node(above));
    if (body === undefined) return await this.#isLost(above, node, get);
    const parent = decodeNodeObject(body, above);
    if (parent.state !== 'node') return false;
    const name = nodeName(path);
    if (parent.children.in === 'object') return parent.children.names.includes(name);
    const { id } = parent.children.chunks.findLast(({ first }) => first <= name) ?? {};
    if (id === undefined) return false;
    const chunk = await get(this.#keys.chunk(above, id));
    return chunk === undefined || decodeChunk(chunk, above).includes(name);
  }

  /** undefined: a chunk or the data is gone, so the node's object has been replaced meanwhile. */
  async #readOnce(path: string, kind: ReadKind, get: Get): Promise<NodeState | undefined> {
    const body = await get(this.#keys.node(path));
    if (body === undefined) return { state: 'absent', zxid: 0 };
    const node = decodeNodeObject(body, path);
    if (node.state !== 'node') return { state: node.state, zxid: node.zxid };
    const [data, children] = await Promise.all([this.#data(node, kind, get), this.#children(node, kind, get)]);
    if (data === undefined || children === undefined) return undefined;
    return { state: 'node', zxid: node.zxid, stat: Object.freeze(toStat(node.meta)), ...data, ...children };
  }

  async #data(
    { path, data, dataId }: PresentNode,
    kind: ReadKind,
    get: Get,
  ): Promise<{ data?: Uint8Array | null } | undefined> {
    if (dataId === undefined) return { data: data === null ? null : plainView(data) };
    if (kind !== 'getData') return {};
    const body = await get(this.#keys.data(path, dataId));
    return body && { data: plainView(decodeData(body, path)) };
  }

  async #children(
    { path, children }: PresentNode,
    kind: ReadKind,
    get: Get,
  ): Promise<{ children?: readonly string[] } | undefined> {
    if (children.in === 'object') return { children: children.names };
    if (kind !== 'getChildren') return {};
    const chunks = await Promise.all(children.chunks.map(({ id }) => get(this.#keys.chunk(path, id))));
    const names: string[] = [];
    for (const chunk of chunks) {
      if (chunk === undefined) return undefined;
      for (const name of decodeChunk(chunk, path)) names.push(name);
    }
    return { children: names };
  }
}

/** Not a Buffer: what callers get has one type. */
export function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
