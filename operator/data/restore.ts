import { addressKey, at, encodeMeta, type Outside, type Totals } from '@faaskeeper/functions/core';
import {
  type Keyed,
  type Manifest,
  putManifest,
  readManifest,
  writeParts,
} from '@faaskeeper/functions/core/checkpoint';
import { Distributor, readWatermark } from '@faaskeeper/functions/core/distributor';
import { encode, HaltedError, type InstanceSpec, type NodeMeta, parentPath, storageKeys } from '@faaskeeper/protocol';
import { metaOf, type Tree, TreeCounter } from './backup/index.ts';

/** As in ZooKeeper, the upper half of a zxid counts the lives of a tree. */
const EPOCH = 2 ** 32;
const PUT_ATTEMPTS = 5;

export interface Restored {
  readonly sequence: number;
  readonly zxid: number;
}

/**
 * The first checkpoint of a new instance: the tree, without the sessions of its old life and their ephemeral nodes. It
 * begins a new epoch of zxids, so that nothing ever seen of the old life is ahead of it. May be repeated and killed
 * anywhere: the pointer is written last and once.
 */
export async function seedCheckpoint(
  outside: Outside,
  spec: InstanceSpec,
  tree: () => Promise<Tree>,
): Promise<Restored> {
  const keys = storageKeys(spec.storagePrefix);
  const over = await readManifest(outside.objects, keys);
  if (over.etag !== undefined) return over.manifest;
  const source = await tree();
  const zxid = (Math.floor(source.zxid / EPOCH) + 1) * EPOCH;
  const sequence = Math.max(1, source.sequence);
  const ended = await ephemeralsOf(source);
  const kept = await writeParts(outside, keys, { sequence, values: keptWithout(source, ended, zxid) });
  const data = await writeParts(outside, keys, { sequence, values: dataWithout(source, ended) });
  const bytes = [...kept, ...data].reduce((sum, part) => sum + part.bytes, 0);
  const manifest: Manifest = { sequence, zxid, runs: [{ from: 0, to: sequence, bytes, kept, data }], tombstones: [] };
  const won = await putManifest(outside.objects, keys, {
    over,
    manifest,
    attempts: PUT_ATTEMPTS,
    pause: (attempt) => outside.clock.sleep(100 * attempt),
  });
  return won ? manifest : (await readManifest(outside.objects, keys)).manifest;
}

/**
 * Makes a seeded tree visible. Until a watermark is stored, nothing of it counts as visible, so it may be begun again.
 *
 * @throws HaltedError when LOG does not begin behind the seed.
 */
export async function distributeSeed(outside: Outside, spec: InstanceSpec, { sequence }: Restored): Promise<void> {
  const { last } = await outside.log.bounds();
  if (last < sequence) throw new HaltedError(`LOG ends at ${last}, before the restored tree's ${sequence}`);
  if ((await readWatermark(outside, storageKeys(spec.storagePrefix))) !== undefined) return;
  const distributor = new Distributor(outside, spec);
  try {
    await distributor.handle({ messages: [] });
  } finally {
    await distributor.close();
  }
}

interface Ended {
  readonly paths: ReadonlySet<string>;
  /** By parent: how many of its children go. */
  readonly children: ReadonlyMap<string, number>;
}

async function ephemeralsOf(tree: Tree): Promise<Ended> {
  const paths = new Set<string>();
  const children = new Map<string, number>();
  for await (const keyed of tree.content('kept')) {
    if (keyed.mutation.table !== 'node' || metaOf(keyed).kind !== 'ephemeral') continue;
    const path = keyed.mutation.key;
    paths.add(path);
    children.set(parentPath(path), (children.get(parentPath(path)) ?? 0) + 1);
  }
  return { paths, children };
}

/** As if one transaction, `zxid`, had ended all sessions. */
async function* keptWithout(tree: Tree, ended: Ended, zxid: number): AsyncGenerator<Keyed> {
  const counter = new TreeCounter();
  yield* counter.through(withoutEnded(tree, ended, zxid));
  const total = { ...at.total, value: encode([counter.nodes, counter.dataBytes, 0] satisfies Totals) };
  // The last of all tables.
  yield { key: addressKey(total), mutation: total };
}

async function* withoutEnded(tree: Tree, ended: Ended, zxid: number): AsyncGenerator<Keyed> {
  for await (const keyed of tree.content('kept')) {
    const { mutation } = keyed;
    const gone = mutation.table === 'node' ? ended.children.get(mutation.key) : undefined;
    if (mutation.table === 'node' && ended.paths.has(mutation.key)) continue;
    if (gone === undefined) {
      yield keyed;
      continue;
    }
    const before = metaOf(keyed);
    const meta: NodeMeta = { ...before, numChildren: before.numChildren - gone, pzxid: zxid };
    yield { ...keyed, mutation: { ...mutation, value: encodeMeta(meta) } };
  }
}

async function* dataWithout(tree: Tree, ended: Ended): AsyncGenerator<Keyed> {
  for await (const keyed of tree.content('data')) if (!ended.paths.has(keyed.mutation.key)) yield keyed;
}
