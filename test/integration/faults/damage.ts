import type { FaaSKeeper } from '@faaskeeper/client';
import { frame } from '@faaskeeper/protocol';
import type { UserStorage } from '../../../functions/core/ports.ts';

/** What may become of a stored object, besides being lost. */
export const DAMAGES = {
  'a flipped bit': (body: Uint8Array) => {
    const damaged = Uint8Array.from(body);
    const middle = damaged.length >> 1;
    damaged[middle] = (damaged[middle] ?? 0) ^ 0x10;
    return damaged;
  },
  'a cut end': (body: Uint8Array) => body.subarray(0, body.length - 1),
  nothing: () => new Uint8Array(0),
  'a version that is a flipped bit': (body: Uint8Array) => {
    const damaged = Uint8Array.from(body);
    damaged[2] = (damaged[2] ?? 0) ^ 0x40;
    return damaged;
  },
} as const;

export async function damage(objects: UserStorage, key: string, how: (body: Uint8Array) => Uint8Array): Promise<void> {
  const stored = await objects.get(key);
  if (stored === undefined) throw new Error(`There is no ${key}`);
  await objects.put(key, how(stored.body));
}

/** As a later release might have left it. */
export function ofNewerRelease(): Uint8Array {
  return frame(200, { everything: 'different' });
}

/** Sum of a counter over all its other labels. */
export async function counted(url: string, metric: string, labels: Record<string, string>): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith(`${metric}{`));
  const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return lines
    .filter((line) => wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

export const text = (data: Uint8Array | null): string => new TextDecoder().decode(data ?? undefined);

/** Enough children for their names to be in chunks. */
export async function createChildren(client: FaaSKeeper, parent: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, i) => `n${String(i).padStart(5, '0')}`);
  for (let at = 0; at < count; at += 200) {
    await client.multi(names.slice(at, at + 200).map((name) => ({ type: 'create', path: `${parent}/${name}` })));
  }
  return names;
}
