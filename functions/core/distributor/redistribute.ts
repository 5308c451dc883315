import {
  DamagedError,
  decode,
  decodeNodeObjectAt,
  isWorldReadable,
  type NodeMeta,
  type NodeObject,
  nodeName,
  parentPath,
  pathDigest,
  type StorageKeys,
} from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import type { Manifest } from '../checkpoint/manifest.ts';
import { contentOf } from '../checkpoint/rebuild.ts';
import type { Keyed } from '../checkpoint/runs.ts';
import type { NodeChange } from '../coalesce.ts';
import { reportRepair } from '../faults.ts';
import { inParallel } from '../parallel.ts';
import type { Outside } from '../ports.ts';
import type { NodeWriter } from './node-writer.ts';

/**
 * Makes user storage show a checkpoint's tree, whatever it showed before: where the watermark is not known, nothing of
 * it is. Objects that reflect something newer stay; nodes that the checkpoint does not have become tombstones.
 */
export async function redistribute(
  outside: Outside,
  keys: StorageKeys,
  { manifest, writer }: { manifest: Manifest; writer: NodeWriter },
): Promise<void> {
  const message = 'it is not known how much user storage shows: distributing the checkpoint again';
  reportRepair(outside, 'redistribution', { checkpoint: manifest.sequence }, message);
  const children = new Map<string, string[]>();
  const digests = new Set<string>();
  for await (const { mutation } of contentOf(outside.objects, keys, manifest, 'kept')) {
    if (mutation.table !== 'node') continue;
    const path = mutation.key;
    digests.add(pathDigest(path));
    if (path === '/') continue;
    const parent = parentPath(path);
    const names = children.get(parent) ?? [];
    children.set(parent, names);
    names.push(nodeName(path));
  }
  const stored = await storedDigests(outside, keys);
  let group: NodeChange[] = [];
  const flush = async () => {
    await inParallel(group, BOUNDS.parallelObjects, async (change) => {
      if (change.wasAbsent || !(await isShown(outside, keys, change)))
        await writer.write(change, async () => undefined);
    });
    group = [];
  };
  for await (const { path, meta, data } of nodesOf(outside, keys, manifest)) {
    const wasAbsent = !stored.has(pathDigest(path));
    group.push({ ...wholeNode({ path, meta, data, names: children.get(path) ?? [], zxid: manifest.zxid }), wasAbsent });
    if (group.length >= BOUNDS.parallelObjects) await flush();
  }
  await flush();
  await buryOthers(outside, keys, { digests, zxid: manifest.zxid, writer });
}

/** Of all that user storage shows: what is not there need not be looked at. */
async function storedDigests(outside: Outside, keys: StorageKeys): Promise<Set<string>> {
  const prefix = nodesPrefix(keys);
  const digests = new Set<string>();
  for await (const page of outside.objects.list(prefix)) for (const key of page) digests.add(key.slice(prefix.length));
  return digests;
}

function nodesPrefix(keys: StorageKeys): string {
  return keys.node('/').slice(0, -pathDigest('/').length);
}

function wholeNode(node: {
  path: string;
  meta: NodeMeta | undefined;
  data: Uint8Array | null;
  names: readonly string[];
  zxid: number;
}): NodeChange {
  return {
    path: node.path,
    zxid: node.zxid,
    meta: node.meta,
    data: node.data,
    fresh: true,
    wasAbsent: false,
    wasProtected: node.meta !== undefined && !isWorldReadable(node.meta.acl),
    children: new Map(node.names.map((name) => [name, true])),
    changes: [],
  };
}

/** Nodes with their data: both sections are sorted by path. */
async function* nodesOf(
  outside: Outside,
  keys: StorageKeys,
  manifest: Manifest,
): AsyncGenerator<{ path: string; meta: NodeMeta; data: Uint8Array | null }> {
  const datas = contentOf(outside.objects, keys, manifest, 'data');
  let data: Keyed | undefined = (await datas.next()).value ?? undefined;
  for await (const { mutation } of contentOf(outside.objects, keys, manifest, 'kept')) {
    if (mutation.table !== 'node') continue;
    while (data !== undefined && data.mutation.key < mutation.key) data = (await datas.next()).value ?? undefined;
    const own = data?.mutation.key === mutation.key ? (decode(data.mutation.value!) as Uint8Array | null) : null;
    yield { path: mutation.key, meta: decode(mutation.value!) as NodeMeta, data: own };
  }
}

/** True when the object says the same already: most do, and need no PUT. */
async function isShown({ objects }: Outside, keys: StorageKeys, change: NodeChange): Promise<boolean> {
  const shown = await readAny(objects, keys.node(change.path));
  if (shown === undefined || change.meta === undefined) return false;
  const willBeProtected = !isWorldReadable(change.meta.acl);
  if ((shown.state === 'protected') !== willBeProtected) return false;
  const node = willBeProtected ? await readAny(objects, keys.protectedNode(change.path)) : shown;
  if (node?.state !== 'node' || node.zxid > change.zxid) return false;
  const { acl: _acl, ...meta } = change.meta;
  const names = Object.keys(meta) as (keyof typeof meta)[];
  return names.every((name) => node.meta[name] === meta[name]);
}

/** undefined: there is none that says anything. */
async function readAny(objects: Outside['objects'], key: string): Promise<NodeObject | undefined> {
  const stored = await objects.get(key);
  if (stored === undefined) return undefined;
  try {
    return decodeNodeObjectAt(stored.body, key);
  } catch (error) {
    if (error instanceof DamagedError) return undefined;
    throw error;
  }
}

async function buryOthers(
  outside: Outside,
  keys: StorageKeys,
  { digests, zxid, writer }: { digests: ReadonlySet<string>; zxid: number; writer: NodeWriter },
): Promise<void> {
  const prefix = nodesPrefix(keys);
  for await (const page of outside.objects.list(prefix)) {
    const others = page.filter((key) => !digests.has(key.slice(prefix.length)));
    await inParallel(others, BOUNDS.parallelObjects, async (key) => {
      const object = await readAny(outside.objects, key);
      if (object === undefined || object.state === 'absent' || object.zxid > zxid) return;
      // The object may be of the very zxid of the checkpoint only where its node is in the checkpoint.
      const gone = wholeNode({ path: object.path, meta: undefined, data: null, names: [], zxid });
      await writer.write(gone, async () => undefined);
    });
  }
}
