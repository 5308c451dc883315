/**
 * What an instance that hibernates saves in Redis, and how long its first write takes a new writer, by the size of its tree. Nodes of 100
 * bytes in Hybrid storage, so that trees are soon made; what nodes take as user storage stays in Redis and is not counted.
 *
 *     node --conditions=source test/bench/hibernation.ts [--nodes 10,1000,100000]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FaaSKeeper } from '@faaskeeper/client';
import {
  connectNats,
  connectRedis,
  declareInstance,
  openStores,
  systemClock,
  systemRandom,
} from '@faaskeeper/functions/stores';
import { waitFor } from 'faaskeeper/servers';
import { Distributor } from '../../functions/core/distributor/index.ts';
import { startFaaSKeeper } from './systems/faaskeeper.ts';

const { values } = parseArgs({ options: { nodes: { type: 'string', default: '10,1000,100000' } } });
/** Creates of one multi, and multis at a time. */
const [MULTI, PARALLEL] = [500, 8];
const quiet = () => {};
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

const directory = await mkdtemp(join(tmpdir(), 'faaskeeper-hibernation-'));
await using running = new AsyncDisposableStack();
running.defer(() => rm(directory, { recursive: true, force: true }));
const system = running.use(await startFaaSKeeper(directory, quiet, 'hybrid'));
const { servers } = system;
const nats = await connectNats({ ...servers.stores.nats, name: 'bench' });
running.defer(() => nats.close());
const stores = await openStores(servers.stores, { name: 'bench' });
running.defer(() => stores.close());
const redis = connectRedis({ url: servers.redisUrl, name: 'bench' });
running.defer(() => redis.disconnect());

/** What Redis takes, bytes. */
async function used(): Promise<number> {
  await redis.call('MEMORY', 'PURGE');
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}

const median = (times: number[]) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)] as number;

async function measure(nodes: number): Promise<string> {
  const id = `size${nodes}`;
  const spec = await declareInstance(nats, { id, storagePrefix: `${id}/`, userStorage: { type: 'Hybrid' } });
  const place = { instance: id, nats: servers.stores.nats, redis: { url: servers.redisUrl }, requestTimeout: 300_000 };
  const client = await FaaSKeeper.connect({ ...place, s3: { ...servers.stores.s3, prefix: spec.storagePrefix } });
  for (let parent = 0; parent * MULTI < nodes; parent++) await client.create(`/p${parent}`);
  const multis = Array.from({ length: Math.ceil(nodes / MULTI) }, (_, parent) => parent);
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (let parent = multis.pop(); parent !== undefined; parent = multis.pop()) {
        const at = parent;
        const count = Math.min(MULTI, nodes - at * MULTI);
        const creates = Array.from({ length: count }, (_, i) => {
          return { type: 'create', path: `/p${at}/n${i}`, data: Buffer.alloc(100, i) } as const;
        });
        await client.multi(creates);
      }
    }),
  );
  await client.sync('/');
  const outside = { ...stores.instance(spec), clock: systemClock, random: systemRandom, logger };
  const [saved, awake, woken]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < 3; round++) {
    await restartWriter();
    awake.push(await timed(() => client.setData('/p0', `${round} awake`)));
    const distributor = new Distributor(outside, spec);
    await client.sync('/');
    const before = await used();
    let done = false;
    // The watermark is stored a little behind.
    while (!done) done = (await distributor.checkpoint({ hibernate: true })).hibernates === true;
    saved.push(before - (await used()));
    await distributor.close();
    await restartWriter();
    woken.push(await timed(() => client.setData('/p0', `${round} woken`)));
  }
  await client.close();
  const kib = Math.round(median(saved) / 1_024);
  return `${nodes} nodes: ${kib} KiB saved in Redis; first write ${median(woken).toFixed(0)} ms (${median(awake).toFixed(0)} ms where it did not hibernate)`;
}

/** After an hour there is none that knows the instance. */
async function restartWriter(): Promise<void> {
  const { writer } = system.pids();
  process.kill(writer as number, 'SIGKILL');
  await waitFor(
    async () => {
      const { ok } = await fetch(new URL('/health/ready', servers.functionUrls.writer));
      if (!ok || system.pids().writer === writer) throw new Error('the writer is not back');
    },
    { timeoutMs: 60_000, intervalMs: 100 },
  );
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}

for (const nodes of values.nodes.split(',').map(Number)) console.log(await measure(nodes));
console.log(`load ${loadavg()[0]?.toFixed(0)}`);
