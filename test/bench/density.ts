/**
 * What an idle instance costs, by process: memory of each further one, and CPU time and invocations while nothing
 * happens. The local gateway does not serve them.
 *
 *     node --conditions=source test/bench/density.ts [--instances 400] [--watch 60] [--rest 60] [--settle 150]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectNats, declareInstance } from '@faaskeeper/functions/stores';
import { waitFor } from 'faaskeeper/servers';
import { cpuMsOf, residentBytesOf } from './machine.ts';
import { type FaaSKeeperSystem, startFaaSKeeper } from './systems/faaskeeper.ts';

/** As many first: what a burst of declarations makes grow once (heaps, pools, caches) is not of one more instance. */
const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '400' },
    /** s that CPU time is watched. */
    watch: { type: 'string', default: '60' },
    /** s without a message after which a lane rests. */
    rest: { type: 'string', default: '60' },
    /** s after which it is counted: servers and heaps give back what a burst took, lanes come to rest. */
    settle: { type: 'string', default: '150' },
  },
});
const count = Number(values.instances);
process.env.FAASKEEPER_LANE_REST_MS = String(Number(values.rest) * 1_000);

async function declareMany(system: FaaSKeeperSystem, prefix: string): Promise<void> {
  const nats = await connectNats({ ...system.servers.stores.nats, name: 'faaskeeper-density' });
  for (let i = 0; i < count; i++) {
    const id = `${prefix}${i}`;
    await declareInstance(nats, { id, storagePrefix: `${id}/` });
  }
  await nats.close();
  await waitFor(
    async () => {
      const metrics = await (await fetch(`${system.servers.triggerUrl}/metrics`)).text();
      const owned = metrics.match(new RegExp(`^faaskeeper_instance_owned\\{.*"${prefix}\\d+".*\\} 1$`, 'gm'))?.length;
      if (owned !== count) throw new Error(`${owned} of ${count} instances are served`);
    },
    { timeoutMs: 120_000, intervalMs: 500 },
  );
}

/** Memory by process, bytes. */
async function memory(system: FaaSKeeperSystem): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for (const [name, pid] of Object.entries(system.pids())) sizes.set(name, await residentBytesOf([pid]));
  return sizes;
}

async function cpu(system: FaaSKeeperSystem): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (const [name, pid] of Object.entries(system.pids())) times.set(name, await cpuMsOf([pid]));
  return times;
}

async function invocations(system: FaaSKeeperSystem): Promise<number> {
  const metrics = await (await fetch(`${system.servers.triggerUrl}/metrics`)).text();
  const batches = metrics.matchAll(/^faaskeeper_batch_messages_count\{.*\} (\d+)$/gm);
  return [...batches].reduce((sum, [, batch]) => sum + Number(batch), 0);
}

function each(after: Map<string, number>, before: Map<string, number>, divisor: number, digits = 1): string {
  const parts = [...after].map(([name, value]) => [name, (value - (before.get(name) ?? 0)) / divisor] as const);
  const all = parts.reduce((sum, [, value]) => sum + value, 0);
  return `${all.toFixed(digits)} (${parts.map(([name, value]) => `${name} ${value.toFixed(digits)}`).join(', ')})`;
}

const directory = await mkdtemp(join(tmpdir(), 'faaskeeper-density-'));
await using running = new AsyncDisposableStack();
running.defer(() => rm(directory, { recursive: true, force: true }));
const system = running.use(await startFaaSKeeper(directory, () => undefined));
const settleMs = Number(values.settle) * 1_000;
await declareMany(system, 'first');
await sleep(settleMs);
const before = await memory(system);
await declareMany(system, 'more');
await sleep(settleMs);
console.log(`one more idle instance of ${count}: ${each(await memory(system), before, count * 1_024)} KiB`);
const [cpuBefore, invokedBefore] = [await cpu(system), await invocations(system)];
await sleep(Number(values.watch) * 1_000);
const seconds = Number(values.watch);
console.log(
  `${2 * count} idle instances for ${seconds} s: ${each(await cpu(system), cpuBefore, seconds)} ms of CPU a second; ` +
    `${(await invocations(system)) - invokedBefore} batches; load ${loadavg()[0]?.toFixed(0)}`,
);
