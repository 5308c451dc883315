import { DamagedError } from '@faaskeeper/protocol';
import type { Redis } from 'ioredis';
import { runScript } from '../script.ts';
import { atomicListAppend } from './atomic-list-append.ts';
import { POSITION_BYTES } from './atomic-list-lua.ts';
import { atomicListRemove } from './atomic-list-remove.ts';
import { atomicListReplace } from './atomic-list-replace.ts';

/**
 * The atomic list of the FaaSKeeper paper (arXiv 2203.14859, section on synchronization primitives): appended to and
 * cut by concurrent functions without a lock, as the paper does for watches and for what a session still has to see.
 *
 * Elements have a key (not empty), by which they are distinct, and a value. Guarantee: each operation takes effect
 * entirely and in one step; reading gives one state of the list, in the order of appending. Changing an element costs
 * the same in a list of ten and in one of a million.
 */
export class AtomicList {
  readonly #redis: Redis;
  readonly #key: string;

  constructor(redis: Redis, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  /** False when an element with this key is in the list: it stays as it is. */
  async append(key: string, value: Uint8Array): Promise<boolean> {
    if (key === '') throw new RangeError('An element needs a key');
    return (await runScript(this.#redis, atomicListAppend, [this.#key], [key, bufferOf(value)])) === 1;
  }

  /** How many of these elements were there. */
  async remove(...keys: string[]): Promise<number> {
    const given = keys.filter((key) => key !== '');
    if (given.length === 0) return 0;
    return Number(await runScript(this.#redis, atomicListRemove, [this.#key], given));
  }

  /** False when the element does not have the expected value (any more). */
  async replace(key: string, expected: Uint8Array, value: Uint8Array): Promise<boolean> {
    const args = [key, bufferOf(expected), bufferOf(value)];
    return (await runScript(this.#redis, atomicListReplace, [this.#key], args)) === 1;
  }

  /** All elements, in order. */
  async read(): Promise<Map<string, Uint8Array>> {
    const flat = (await this.#redis.callBuffer('HGETALL', this.#key)) as Buffer[] | Record<string, Buffer>;
    return decodeList(Array.isArray(flat) ? flat : Object.entries(flat).flat());
  }
}

/** The elements of a list from the fields and values of its hash, in order. @throws DamagedError */
export function decodeList(flat: readonly (Buffer | string)[]): Map<string, Uint8Array> {
  const elements: [position: bigint, key: string, value: Uint8Array][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const key = String(flat[i]);
    if (key === '') continue;
    const stored = flat[i + 1] as Buffer;
    if (stored.length < POSITION_BYTES) throw new DamagedError(`Element ${JSON.stringify(key)} of a list is truncated`);
    elements.push([stored.readBigUInt64BE(0), key, stored.subarray(POSITION_BYTES)]);
  }
  elements.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return new Map(elements.map(([, key, value]) => [key, value]));
}

/** A view for the Redis library, which knows no plain Uint8Array. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
