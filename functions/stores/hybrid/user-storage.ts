import { objectOfRecord, type RecordKeys, recordKeys } from '@faaskeeper/protocol';
import type { Redis } from 'ioredis';
import type { Coverage, PutCondition, StoredObject, UserStorage } from '../../core/ports.ts';
import { keysOf } from '../redis/drop.ts';
import { runScript } from '../redis/script.ts';
import { removeRecord } from '../redis/user-records.ts';
import { RecordWriter, tagOf } from './record-writer.ts';

/**
 * User storage with nodes and chunks of children in Redis, and all else in S3. What Redis has may be lost at any time:
 * `coverage` says what is there.
 */
export class HybridUserStorage implements UserStorage {
  readonly coverage: Coverage;
  readonly #redis: Redis;
  readonly #objects: UserStorage;
  readonly #keys: RecordKeys;
  readonly #writer: RecordWriter;

  constructor(redis: Redis, objects: UserStorage, instance: { id: string; storagePrefix: string }) {
    this.#redis = redis;
    this.#objects = objects;
    this.#keys = recordKeys(instance.id, instance.storagePrefix);
    this.#writer = new RecordWriter(redis, this.#keys);
    this.coverage = this.#writer;
  }

  async get(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    const at = this.#keys.record(key);
    if (at === undefined) return await this.#objects.get(key, signal);
    signal?.throwIfAborted();
    const record = await this.#redis.getBuffer(at);
    return record === null ? undefined : { body: objectOfRecord(record), etag: tagOf(record) };
  }

  async put(
    key: string,
    body: Uint8Array,
    condition?: PutCondition,
    signal?: AbortSignal,
  ): Promise<{ outcome: 'written'; etag: string } | { outcome: 'conflict' }> {
    const at = this.#keys.record(key);
    if (at === undefined) return await this.#objects.put(key, body, condition, signal);
    signal?.throwIfAborted();
    return await this.#writer.put({ at, object: body, condition });
  }

  async delete(keys: readonly string[]): Promise<void> {
    const records: string[] = [];
    const objects: string[] = [];
    for (const key of keys) {
      const at = this.#keys.record(key);
      if (at === undefined) objects.push(key);
      else records.push(at);
    }
    if (records.length > 0) await this.#redis.unlink(...records);
    if (objects.length > 0) await this.#objects.delete(objects);
  }

  async deleteIf(key: string, etag: string): Promise<'deleted' | 'kept'> {
    const at = this.#keys.record(key);
    if (at === undefined) return await this.#objects.deleteIf(key, etag);
    const reply = await runScript(this.#redis, removeRecord, [at], [Buffer.from(etag, 'hex')]);
    return reply === 1 ? 'deleted' : 'kept';
  }

  async *list(prefix: string): AsyncGenerator<string[]> {
    for (const { objects, records } of this.#keys.areas) {
      const within = prefix.startsWith(objects);
      if (!within && !objects.startsWith(prefix)) continue;
      const from = within ? `${records}${prefix.slice(objects.length)}` : records;
      for await (const page of keysOf(this.#redis, `${from}*`))
        yield page.map((at) => objects + at.slice(records.length));
      if (within) return;
    }
    yield* this.#objects.list(prefix);
  }
}
