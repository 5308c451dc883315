import { createHash } from 'node:crypto';
import type { UserStorage } from '@faaskeeper/functions/core';
import { DataError } from '../errors.ts';

/** The store, with each object that is put told to `onPut` first, by its checksum (SHA-256, hex). */
export function recording(
  objects: UserStorage,
  onPut: (key: string, sha256: string) => Promise<void> | void,
): UserStorage {
  return {
    get: (key, signal) => objects.get(key, signal),
    async put(key, body, condition, signal) {
      await onPut(key, sha256Of(body));
      return await objects.put(key, body, condition, signal);
    },
    delete: (keys) => objects.delete(keys),
    deleteIf: (key, etag) => objects.deleteIf(key, etag),
    list: (prefix) => objects.list(prefix),
  };
}

/** The store, with each object that has a known checksum compared with it. */
export function checked(objects: UserStorage, sha256s: ReadonlyMap<string, string>, what: string): UserStorage {
  return {
    ...recording(objects, () => {}),
    async get(key, signal) {
      signal?.throwIfAborted();
      const stored = await objects.get(key, signal);
      const wanted = sha256s.get(key);
      if (wanted === undefined) return stored;
      if (stored === undefined) throw new DataError('BackupDamaged', `${what} lacks its object ${key}`);
      if (sha256Of(stored.body) === wanted) return stored;
      throw new DataError('BackupDamaged', `${what} is damaged: the checksum of ${key} does not match`);
    },
  };
}

function sha256Of(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
