import {
  DamagedError,
  decodeChunk,
  decodeData,
  decodeNodeObject,
  encodeChunk,
  encodeData,
  encodeNodeObject,
  type NodeObject,
} from '@faaskeeper/protocol';
import { LRUCache } from 'lru-cache';
import { BOUNDS } from '../bounds.ts';
import type { PutCondition, UserStorage } from '../ports.ts';

/** A decoded object of user storage with the version it was read at; `object` undefined: there is none. */
export interface Seen {
  readonly object: NodeObject | undefined;
  readonly etag: string | undefined;
  /** Something is there that cannot be read; what it was is not known. */
  readonly damaged?: boolean;
}

const MISSING: Seen = { object: undefined, etag: undefined };
const OVERHEAD_BYTES = 512;

/**
 * User storage as nodes and chunks, remembering what it saw. What is remembered may be old: every PUT is conditional
 * on the version that it was decided on, so that a mistake shows as a conflict.
 */
export class ObjectCache {
  readonly #objects: UserStorage;
  readonly #onDamage: (fields: object) => void;
  readonly #cache: LRUCache<string, Seen | readonly string[]>;

  /** `onDamage` hears of objects that cannot be read. */
  constructor(objects: UserStorage, onDamage: (fields: object) => void = () => {}) {
    this.#objects = objects;
    this.#onDamage = onDamage;
    this.#cache = new LRUCache({ maxSize: BOUNDS.cacheBytes, sizeCalculation: sizeOf });
  }

  clear(): void {
    this.#cache.clear();
  }

  forget(key: string): void {
    this.#cache.delete(key);
  }

  async node(key: string, path: string): Promise<Seen> {
    const known = this.#cache.get(key);
    if (known !== undefined && !Array.isArray(known)) return known as Seen;
    const stored = await this.#objects.get(key);
    if (stored === undefined) return MISSING;
    try {
      const seen: Seen = { object: decodeNodeObject(stored.body, path), etag: stored.etag };
      this.#cache.set(key, seen);
      return seen;
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      this.#onDamage({ path, key, err: error });
      return { object: undefined, etag: stored.etag, damaged: true };
    }
  }

  /** False: the object is not at the version `over` any more. */
  async put(key: string, over: Seen, object: NodeObject): Promise<boolean> {
    const condition: PutCondition = over.etag === undefined ? { absent: true } : { ifMatch: over.etag };
    this.#cache.delete(key);
    const result = await this.#objects.put(key, encodeNodeObject(object), condition);
    if (result.outcome === 'conflict') return false;
    this.#cache.set(key, { object, etag: result.etag });
    return true;
  }

  async chunk(key: string, path: string): Promise<readonly string[]> {
    const known = this.#cache.get(key);
    if (Array.isArray(known)) return known;
    const stored = await this.#objects.get(key);
    if (stored === undefined)
      throw new DamagedError(`User storage lost chunk ${key} of the children of ${path}`, { path });
    const names = decodeChunk(stored.body, path);
    this.#cache.set(key, names);
    return names;
  }

  /** Not remembered: it is large, and read only to be moved. */
  async data(key: string, path: string): Promise<Uint8Array> {
    const stored = await this.#objects.get(key);
    if (stored === undefined) throw new DamagedError(`User storage lost ${key}, the data of ${path}`, { path });
    return decodeData(stored.body, path);
  }

  async putData(key: string, data: Uint8Array): Promise<void> {
    await this.#objects.put(key, encodeData(data));
  }

  async putChunk(key: string, names: readonly string[]): Promise<void> {
    await this.#objects.put(key, encodeChunk(names));
    this.#cache.set(key, names);
  }
}

export const NOT_THERE = MISSING;

function sizeOf(value: Seen | readonly string[]): number {
  if (Array.isArray(value)) return OVERHEAD_BYTES + bytesOf(value);
  const { object } = value as Seen;
  if (object?.state !== 'node') return OVERHEAD_BYTES;
  const children =
    object.children.in === 'object'
      ? bytesOf(object.children.names)
      : object.children.chunks.reduce((sum, { id, first }) => sum + 2 * (id.length + first.length) + 96, 0);
  return OVERHEAD_BYTES + 2 * object.path.length + (object.data?.length ?? 0) + children;
}

function bytesOf(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + 2 * name.length + 32, 0);
}
