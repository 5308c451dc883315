import type { PutCondition, StoredObject, UserStorage } from '../../core/ports.ts';
import type { S3Connection } from './client.ts';
import { type ConditionalDelete, probeConditionalDelete } from './probe.ts';
import { retrying, statusOf } from './retry.ts';

/** What one DeleteObjects may name. */
const DELETE_BATCH = 1_000;

export interface UserStorageOptions {
  /** How the store deletes conditionally; without it the first deleteIf finds out. */
  readonly conditionalDelete?: ConditionalDelete;
}

/** User storage in a bucket of any S3 store that passes probeUserStorage. */
export class S3UserStorage implements UserStorage {
  readonly #connection: S3Connection;
  readonly #probePrefix: string;
  #conditionalDelete: Promise<ConditionalDelete> | undefined;

  /** `prefix` is where the probe may write. */
  constructor(connection: S3Connection, prefix: string, options: UserStorageOptions = {}) {
    this.#connection = connection;
    this.#probePrefix = prefix;
    if (options.conditionalDelete !== undefined) this.#conditionalDelete = Promise.resolve(options.conditionalDelete);
  }

  get(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    return retrying(async () => {
      try {
        const { body, etag } = await this.#connection.objects.get(key, signal);
        return { body, etag: etagOf(etag, key) };
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    }, signal);
  }

  async put(
    key: string,
    body: Uint8Array,
    condition?: PutCondition,
    signal?: AbortSignal,
  ): Promise<{ outcome: 'written'; etag: string } | { outcome: 'conflict' }> {
    const attempt = async () => {
      const { etag } = await this.#connection.objects.put(key, body, headersOf(condition), signal);
      return { outcome: 'written', etag: etagOf(etag, key) } as const;
    };
    if (condition === undefined) return await retrying(attempt, signal);
    try {
      // One attempt: a second one would be refused because of the first, if that was written.
      return await attempt();
    } catch (error) {
      if (isConflict(error, condition)) return { outcome: 'conflict' };
      throw error;
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    const sdk = await this.#connection.sdk();
    for (let first = 0; first < keys.length; first += DELETE_BATCH) {
      const failed = await retrying(() => sdk.deleteObjects(keys.slice(first, first + DELETE_BATCH)));
      if (failed !== undefined) throw new Error(`The store did not delete ${failed}`);
    }
  }

  async deleteIf(key: string, etag: string): Promise<'deleted' | 'kept'> {
    return (await this.#howToDelete()) === 'none' ? 'kept' : this.#deleteIfMatch(key, etag);
  }

  async *list(prefix: string): AsyncIterable<string[]> {
    const sdk = await this.#connection.sdk();
    let token: string | undefined;
    do {
      const { keys, next } = await retrying(() => sdk.list(prefix, token));
      if (keys.length > 0) yield keys;
      token = next;
    } while (token !== undefined);
  }

  #howToDelete(): Promise<ConditionalDelete> {
    this.#conditionalDelete ??= probeConditionalDelete(this.#connection, this.#probePrefix).catch((error) => {
      this.#conditionalDelete = undefined;
      throw error;
    });
    return this.#conditionalDelete;
  }

  async #deleteIfMatch(key: string, etag: string): Promise<'deleted' | 'kept'> {
    try {
      await this.#connection.objects.delete(key, { 'if-match': etag });
      return 'deleted';
    } catch (error) {
      if (isConflict(error, { ifMatch: etag })) return 'kept';
      throw error;
    }
  }
}

function headersOf(condition: PutCondition | undefined): Record<string, string> {
  if (condition === undefined) return {};
  return 'ifMatch' in condition ? { 'if-match': condition.ifMatch } : { 'if-none-match': '*' };
}

/** 412: the condition does not hold; 409: another conditional PUT is under way; 404: nothing there to match. */
export function isConflict(error: unknown, condition: PutCondition): boolean {
  const status = statusOf(error);
  return status === 412 || status === 409 || (status === 404 && 'ifMatch' in condition && !isNoBucket(error));
}

function isNoBucket(error: unknown): boolean {
  return error instanceof Error && error.name === 'NoSuchBucket';
}

function etagOf(etag: string | undefined, key: string): string {
  if (etag === undefined) throw new Error(`The store gave no entity tag for ${key}`);
  return etag;
}
