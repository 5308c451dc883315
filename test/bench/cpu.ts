/**
 * CPU time of one operation through the gateway, by process: where it goes, on a machine too busy to compare rates on.
 *
 *     node --conditions=source test/bench/cpu.ts [--seconds 10] [--rounds 3] [--connections 128] [--nodes 64] [--reads 0]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { LoadMix } from './load/commands.ts';
import { Load } from './load/load.ts';
import { cpuMsOf } from './machine.ts';
import { type FaaSKeeperSystem, startFaaSKeeper } from './systems/faaskeeper.ts';

/** So long before the first round: code is compiled, and buffers have their size. */
const warmMs = 3_000;
const root = '/cpu';
const lanes = ['request', 'log'] as const;

interface Counters {
  /** ms, by process */
  readonly cpu: ReadonlyMap<string, number>;
  /** Batches, by lane. */
  readonly batches: ReadonlyMap<string, number>;
}

function optionsOf(args: readonly string[]): { rounds: number; mix: LoadMix } {
  const number = (otherwise: number) => ({ type: 'string', default: String(otherwise) }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: number(10),
      rounds: number(1),
      connections: number(128),
      nodes: number(64),
      reads: number(0),
      size: number(1024),
    },
  });
  const mix = {
    sessions: Number(values.connections),
    nodes: Number(values.nodes),
    reads: Number(values.reads),
    sizeBytes: Number(values.size),
    ms: Number(values.seconds) * 1_000,
  };
  return { rounds: Number(values.rounds), mix };
}

async function count(system: FaaSKeeperSystem, load: Load): Promise<Counters> {
  const metrics = await (await fetch(`${system.servers.triggerUrl}/metrics`)).text();
  const batches = lanes.map((lane) => {
    const line = new RegExp(`^faaskeeper_batch_messages_count\\{.*lane="${lane}".*\\} (.*)$`, 'm').exec(metrics);
    return [lane, Number(line?.[1] ?? 0)] as const;
  });
  const cpu = new Map<string, number>();
  for (const [name, pid] of Object.entries({ ...system.pids(), client: load.pid })) cpu.set(name, await cpuMsOf([pid]));
  return { cpu, batches: new Map(batches) };
}

function describe(operations: number, perSecond: number, before: Counters, after: Counters): string {
  const each = (ms: number) => Math.round((ms * 1_000) / operations);
  const costs = [...after.cpu].map(([name, ms]) => [name, ms - (before.cpu.get(name) ?? 0)] as const);
  const all = costs.reduce((sum, [, ms]) => sum + ms, 0);
  const sizes = lanes.map((lane) => operations / ((after.batches.get(lane) ?? 0) - (before.batches.get(lane) ?? 0)));
  const [batch, distribution] = sizes.map(Math.round);
  const rates = `${Math.round(perSecond)}/s, ${batch} a batch, ${distribution} a distribution`;
  const parts = costs.map(([name, ms]) => `${name} ${each(ms)}`).join(', ');
  return `${each(all)} µs of CPU each (${parts}); ${rates}; load ${loadavg()[0]?.toFixed(0)}`;
}

const { rounds, mix } = optionsOf(process.argv.slice(2));
const directory = await mkdtemp(join(tmpdir(), 'faaskeeper-cpu-'));
await using running = new AsyncDisposableStack();
running.defer(() => rm(directory, { recursive: true, force: true }));
const system = running.use(await startFaaSKeeper(directory, () => undefined));
const load = running.use(new Load());
const { host, port } = system.wire;
const target = { system: system.name, host, port };
await load.open(target, mix.sessions);
await load.fill(target, root, mix.nodes, mix.sizeBytes);
await load.run(target, root, { ...mix, ms: warmMs });
for (let round = 0; round < rounds; round++) {
  // What the round before has written is visible, and its cost is its own.
  await load.settle(target, root);
  const before = await count(system, load);
  const { operations, perSecond } = await load.run(target, root, mix);
  await load.settle(target, root);
  console.log(describe(operations, perSecond, before, await count(system, load)));
}
