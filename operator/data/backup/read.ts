import type { UserStorage } from '@faaskeeper/functions/core';
import * as v from 'valibot';
import { DataError } from '../errors.ts';
import { type BackupKeys, type BackupManifest, backupManifestSchema } from './format.ts';

/**
 * The manifest of a backup, or undefined where there is none (yet).
 *
 * @throws DataError BackupDamaged
 */
export async function readBackup(objects: UserStorage, keys: BackupKeys): Promise<BackupManifest | undefined> {
  const stored = await objects.get(keys.manifest);
  if (stored === undefined) return undefined;
  const damaged = (problem: string, cause?: unknown) =>
    new DataError('BackupDamaged', `${keys.manifest} is no manifest of a backup: ${problem}`, { cause });
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(stored.body).toString('utf8'));
  } catch (cause) {
    throw damaged('it is not JSON', cause);
  }
  const parsed = v.safeParse(backupManifestSchema, document);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw damaged(`${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
  }
  return parsed.output;
}

/** @throws DataError BackupNotFound, BackupDamaged */
export async function requireBackup(objects: UserStorage, keys: BackupKeys): Promise<BackupManifest> {
  const manifest = await readBackup(objects, keys);
  if (manifest === undefined) throw new DataError('BackupNotFound', `There is no backup at ${keys.prefix}`);
  return manifest;
}
