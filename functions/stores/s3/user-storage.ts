import { DeleteObjectCommand, DeleteObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { PutCondition, StoredObject, UserStorage } from '../../core/ports.ts';
import type { S3Connection } from './client.ts';
import { type ConditionalDelete, probeConditionalDelete } from './probe.ts';
import { retrying, statusOf } from './retry.ts';

/** What one DeleteObjects may name. */
const DELETE_BATCH = 1_000;

export interface UserStorageOptions {
  readonly bucket: string;
  /** How the store deletes conditionally; without it the first deleteIf finds out. */
  readonly conditionalDelete?: ConditionalDelete;
}

/** User storage in a bucket of any S3 store that passes probeUserStorage. */
export class S3UserStorage implements UserStorage {
  readonly #client: S3Connection;
  readonly #bucket: string;
  readonly #probePrefix: string;
  #conditionalDelete: Promise<ConditionalDelete> | undefined;

  /** `prefix` is where the probe may write. */
  constructor(client: S3Connection, prefix: string, options: UserStorageOptions) {
    this.#client = client;
    this.#bucket = options.bucket;
    this.#probePrefix = prefix;
    if (options.conditionalDelete !== undefined) this.#conditionalDelete = Promise.resolve(options.conditionalDelete);
  }

  get(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    return retrying(async () => {
      try {
        const { body, etag } = await this.#client.objects.get(key, signal);
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
      const { etag } = await this.#client.objects.put(key, body, headersOf(condition), signal);
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
    for (let first = 0; first < keys.length; first += DELETE_BATCH) {
      const Objects = keys.slice(first, first + DELETE_BATCH).map((Key) => ({ Key }));
      const command = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } });
      const { Errors } = await retrying(() => this.#client.send(command));
      const failed = Errors?.find(({ Code }) => Code !== 'NoSuchKey');
      if (failed !== undefined)
        throw new Error(`The store did not delete ${failed.Key}: ${failed.Code} ${failed.Message}`);
    }
  }

  async deleteIf(key: string, etag: string): Promise<'deleted' | 'kept'> {
    return (await this.#howToDelete()) === 'none' ? 'kept' : this.#deleteIfMatch(key, etag);
  }

  async *list(prefix: string): AsyncIterable<string[]> {
    let token: string | undefined;
    do {
      const from = token === undefined ? {} : { ContinuationToken: token };
      const command = new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix, ...from });
      const page = await retrying(() => this.#client.send(command));
      const keys = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
      if (keys.length > 0) yield keys;
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  #howToDelete(): Promise<ConditionalDelete> {
    this.#conditionalDelete ??= probeConditionalDelete(this.#client, this.#bucket, this.#probePrefix).catch((error) => {
      this.#conditionalDelete = undefined;
      throw error;
    });
    return this.#conditionalDelete;
  }

  async #deleteIfMatch(key: string, etag: string): Promise<'deleted' | 'kept'> {
    try {
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key, IfMatch: etag }));
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
