import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Mutation } from '../../core/ports.ts';
import { STORE_FORMAT, stateChecksum } from './checked.ts';
import type { instanceKeys } from './keys.ts';
import { packMutations } from './mutations.ts';
import { isGarbage, loadChunk, switchGeneration } from './rebuild-scripts.ts';
import { runScript } from './script.ts';

/** Bounds of a rebuild. */
const BOUNDS = {
  /** Without a chunk for so long a rebuild counts as crashed. */
  leaseMs: 60_000,
  chunkMutations: 2_000,
  /** Chunks on their way at the same time. */
  chunksInFlight: 8,
  /** Keys looked at or removed in one step of a removal. */
  scanKeys: 1_000,
} as const;

type Keys = ReturnType<typeof instanceKeys>;

/** Fills a fresh namespace and switches to it; see SystemStore.rebuild. */
export async function rebuild(
  redis: Redis,
  keys: Keys,
  replaces: string | undefined,
  state: { applied: number; zxid: number },
  content: AsyncIterable<readonly Mutation[]>,
): Promise<'switched' | 'lost'> {
  const generation = `g${Date.now()}x${randomBytes(8).toString('hex')}`;
  const lease = keys.rebuild(generation);
  const namespace = keys.namespace(generation);
  await redis.set(lease, '1', 'PX', BOUNDS.leaseMs);
  let switched = false;
  try {
    if (await load(redis, lease, namespace, content)) {
      switched = await trySwitch(redis, keys, lease, replaces, generation, namespace, state);
    }
    return switched ? 'switched' : 'lost';
  } finally {
    if (!switched) await redis.del(lease).catch(() => {});
  }
}

async function load(
  redis: Redis,
  lease: string,
  namespace: string,
  content: AsyncIterable<readonly Mutation[]>,
): Promise<boolean> {
  const inFlight: Promise<boolean>[] = [];
  let kept = true;
  const oldest = async () => {
    kept = (await inFlight.shift()) !== false && kept;
  };
  for await (const mutations of content) {
    for (let first = 0; first < mutations.length && kept; first += BOUNDS.chunkMutations) {
      const packed = packMutations(mutations.slice(first, first + BOUNDS.chunkMutations));
      const loaded = runScript(redis, loadChunk, [lease], [namespace, BOUNDS.leaseMs, packed]).then(
        (reply) => reply === 1,
      );
      loaded.catch(() => {});
      inFlight.push(loaded);
      if (inFlight.length >= BOUNDS.chunksInFlight) await oldest();
    }
    if (!kept) return false;
  }
  while (inFlight.length > 0) await oldest();
  return kept;
}

async function trySwitch(
  redis: Redis,
  keys: Keys,
  lease: string,
  replaces: string | undefined,
  generation: string,
  namespace: string,
  state: { applied: number; zxid: number },
): Promise<boolean> {
  const { applied, zxid } = state;
  const check = [STORE_FORMAT, stateChecksum(applied, zxid, STORE_FORMAT)];
  const args = [replaces ?? '', generation, namespace, applied, zxid, keys.root, ...check];
  try {
    return (await runScript(redis, switchGeneration, [keys.generation, lease], args)) === 1;
  } catch (error) {
    // The answer may have been lost: the pointer says what happened.
    if ((await redis.get(keys.generation)) === generation) return true;
    throw error;
  }
}

/** Removes the namespaces that are neither current nor being filled: replaced, lost, or left by a crash. */
export async function removeGarbage(redis: Redis, keys: Keys): Promise<void> {
  const verdicts = new Map<string, boolean>();
  let cursor = '0';
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', keys.namespacesPattern, 'COUNT', BOUNDS.scanKeys);
    cursor = next;
    const garbage: string[] = [];
    for (const key of found) {
      const generation = key.slice(keys.root.length, key.indexOf(':', keys.root.length));
      let verdict = verdicts.get(generation);
      if (verdict === undefined) {
        const reply = await runScript(redis, isGarbage, [keys.generation, keys.rebuild(generation)], [generation]);
        verdict = reply === 1;
        verdicts.set(generation, verdict);
      }
      if (verdict) garbage.push(key);
    }
    if (garbage.length > 0) await redis.unlink(...garbage);
  } while (cursor !== '0');
}
