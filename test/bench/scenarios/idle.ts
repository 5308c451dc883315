import { setTimeout as pause } from 'node:timers/promises';
import { BENCH } from '../bounds.ts';
import type { OwnSystem } from '../client.ts';
import { table } from '../report/format.ts';
import { figureColumns } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { type FaaSKeeperSystem, startFaaSKeeper } from '../systems/faaskeeper.ts';
import type { BenchContext } from './context.ts';
import type { Experiment } from './experiment.ts';

export const idleNames = {
  memory: 'memory of all processes, MiB',
  cpu: 'CPU of all processes, ms a second',
  instance: 'memory of each further idle instance, KiB',
  invocations: 'function invocations',
} as const;

const functionNames = ['writer', 'distributor', 'watch', 'heartbeat'] as const;

/** What a system costs that nobody uses, and what one more instance adds. */
async function measure(context: BenchContext): Promise<void> {
  const { systems, own, options, recorder } = context;
  const windowMs = options.quick ? BENCH.idleSettleMs : BENCH.idleMs;
  for (const system of systems) {
    const ours = own.find(({ name }) => name === system.name);
    const record = (name: string, value: number) =>
      recorder.figure({ section: 'idle', name, system: system.name }, value);
    const [cpu, resident] = [await system.wire.cpuMs(), await system.wire.residentBytes()];
    if (cpu === undefined || resident === undefined) continue;
    const invoked = ours === undefined ? 0 : await invocations(ours);
    await pause(windowMs);
    record(idleNames.memory, resident / 1024 / 1024);
    record(idleNames.cpu, (((await system.wire.cpuMs()) ?? cpu) - cpu) / (windowMs / 1000));
    if (ours === undefined) continue;
    record(idleNames.invocations, (await invocations(ours)) - invoked);
  }
  await Promise.all(
    own.map(async ({ name: system }) => {
      const bytes = await further(context, system);
      recorder.figure({ section: 'idle', name: idleNames.instance, system }, bytes / 1024);
    }),
  );
}

/**
 * Bytes of one more idle instance in all processes, once its lanes rest: of a fresh system, as others give back for
 * minutes what work took. As many come first: what a burst of declarations makes grow once (heaps, pools, caches) is not
 * of one more.
 */
async function further({ directory, options, say }: BenchContext, name: OwnSystem): Promise<number> {
  const count = options.quick ? BENCH.idleInstances / 10 : BENCH.idleInstances;
  await using system = await startFaaSKeeper(await directory(), say, name);
  await using _first = await system.declareIdle(count);
  const before = await atRest(system, options.quick);
  await using _more = await system.declareIdle(count);
  return ((await atRest(system, options.quick)) - before) / count;
}

/** Bytes of all processes: the least of a while, as garbage comes and goes. */
async function atRest({ wire }: FaaSKeeperSystem, quick: boolean): Promise<number> {
  await pause(quick ? BENCH.idleSettleMs : BENCH.idleRestMs);
  const resident = async () => (await wire.residentBytes()) ?? Number.NaN;
  let least = await resident();
  for (let samples = quick ? 1 : BENCH.idleSamples; samples > 1; samples--) {
    await pause(BENCH.idleSampleMs);
    least = Math.min(least, await resident());
  }
  return least;
}

/** Events that the functions have taken so far. */
async function invocations(system: FaaSKeeperSystem): Promise<number> {
  let count = 0;
  for (const name of functionNames) {
    const metrics = await (await fetch(`${system.servers.functionUrls[name]}/metrics`)).text();
    for (const [, value] of metrics.matchAll(/^faaskeeper_event_duration_seconds_count\{.*\} (\d+)$/gm)) {
      count += Number(value);
    }
  }
  return count;
}

function report(results: Results): string {
  const { head, rows } = figureColumns(results, 'idle');
  if (rows.length === 0) return '';
  return `### Idle

No client is connected. FaaSKeeper's processes are servers, trigger, gateway and all functions, which scale to zero on
Kubernetes; further instances share them.

${table(['of an idle system', ...head], rows)}`;
}

export const idle: Experiment = { parts: ['idle'], measure, report };
