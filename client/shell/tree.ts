import { childPath, NoNodeError } from '@faaskeeper/protocol';
import type { CallOptions } from '../waiting.ts';
import { BOUNDS } from './bounds.ts';
import type { ShellClient } from './client.ts';

/**
 * A node and all below it, parents before children, level by level; names of one level are sorted. What disappears
 * meanwhile is left out.
 */
export async function listSubtree(client: ShellClient, root: string, call: CallOptions): Promise<string[]> {
  const found = [root];
  let level = [root];
  while (level.length > 0) {
    const children = new Map<string, readonly string[]>();
    await inWindow(level, BOUNDS.subtreeReads, async (path) => {
      try {
        children.set(path, (await client.getChildren2(path, call)).children);
      } catch (error) {
        if (path === root || !(error instanceof NoNodeError)) throw error;
      }
    });
    level = level.flatMap((path) => sorted(children.get(path) ?? []).map((name) => childPath(path, name)));
    for (const path of level) found.push(path);
  }
  return found;
}

export function sorted(names: readonly string[]): string[] {
  return [...names].sort();
}

/**
 * Starts `work` for the items in their order, at most `size` at a time. The first failure stops what has not begun and
 * is thrown when everything under way has ended.
 */
export async function inWindow<T>(items: readonly T[], size: number, work: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  let next = 0;
  const run = async () => {
    while (failures.length === 0 && next < items.length) {
      const item = items[next++] as T;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(size, items.length) }, run));
  if (failures.length > 0) throw failures[0];
}
