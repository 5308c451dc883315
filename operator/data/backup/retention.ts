import type { UserStorage } from '@faaskeeper/functions/core';
import { DATA } from '../bounds.ts';
import { backupKeys, backupsPrefix, timeOfName } from './format.ts';

/** A backup, or what a failed attempt left of one. */
export interface FoundBackup {
  readonly name: string;
  readonly complete: boolean;
}

/** All that is there of an instance's backups, oldest first. */
export async function findBackups(objects: UserStorage, prefix: string, instance: string): Promise<FoundBackup[]> {
  const own = backupsPrefix(prefix, instance);
  const found = new Map<string, boolean>();
  for await (const page of objects.list(own)) {
    for (const key of page) {
      const name = key.slice(own.length).split('/', 1)[0] ?? '';
      if (timeOfName(name) === undefined) continue;
      found.set(name, found.get(name) === true || key === backupKeys(prefix, instance, name).manifest);
    }
  }
  return [...found].map(([name, complete]) => ({ name, complete })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Both bounds hold where both are given. */
export interface Retention {
  readonly count?: number | undefined;
  readonly maxAgeMs?: number | undefined;
}

/** Backups that are to go; never the newest complete one. Incomplete ones go when nobody can still be making them. */
export function outdated(found: readonly FoundBackup[], retention: Retention, now: number): string[] {
  const { count = Number.POSITIVE_INFINITY, maxAgeMs = Number.POSITIVE_INFINITY } = retention;
  const age = (name: string) => now - (timeOfName(name) ?? now);
  const complete = found.filter((backup) => backup.complete).reverse();
  const past = complete.filter(({ name }, index) => index > 0 && (index >= count || age(name) > maxAgeMs));
  const abandoned = found.filter((backup) => !backup.complete && age(backup.name) > DATA.incompleteMs);
  return [...past, ...abandoned].map(({ name }) => name);
}

/** The manifest goes first: what is left of a removal that was cut short counts as incomplete. */
export async function removeBackup(
  objects: UserStorage,
  { prefix, instance, name }: { prefix: string; instance: string; name: string },
): Promise<void> {
  const keys = backupKeys(prefix, instance, name);
  await objects.delete([keys.manifest]);
  for await (const page of objects.list(keys.prefix)) await objects.delete(page);
}
