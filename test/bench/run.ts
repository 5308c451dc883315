import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchSystem } from './client.ts';
import { describeMachine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { Recorder, type Results } from './results.ts';
import { measureChildren } from './scenarios/children.ts';
import type { BenchContext } from './scenarios/context.ts';
import { measureFloors } from './scenarios/floors.ts';
import { measureGateway, measureIdle } from './scenarios/gateway.ts';
import { measureOperations } from './scenarios/operations.ts';
import { measurePrimitives } from './scenarios/primitives.ts';
import { measureStages } from './scenarios/stages.ts';
import { measureWatch } from './scenarios/watch.ts';
import { type FaaSKeeperSystem, startFaaSKeeper } from './systems/faaskeeper.ts';
import { startZooKeeperSystem } from './systems/zookeeper.ts';

/** Starts both systems on fresh data, measures them in turns, and stops them. */
export async function runBench(options: BenchOptions, say: (line: string) => void = () => {}): Promise<Results> {
  const begun = performance.now();
  const machine = describeMachine();
  const directory = await mkdtemp(join(tmpdir(), 'faaskeeper-bench-'));
  await using running = new AsyncDisposableStack();
  running.defer(() => rm(directory, { recursive: true, force: true }));
  const systems: BenchSystem[] = [];
  let faaskeeper: FaaSKeeperSystem | undefined;
  if (options.systems.includes('faaskeeper')) {
    faaskeeper = running.use(await startFaaSKeeper(join(directory, 'faaskeeper'), say));
    systems.push(faaskeeper);
  }
  if (options.systems.includes('zookeeper')) {
    systems.push(running.use(await startZooKeeperSystem(join(directory, 'zookeeper'), say, options.zookeeper)));
  }
  const recorder = new Recorder();
  const context: BenchContext = { systems, options, recorder, say };
  if (faaskeeper !== undefined) {
    await measureFloors(context, faaskeeper);
    await measureStages(context, faaskeeper);
    await measurePrimitives(context, faaskeeper);
  }
  await measureGateway(context);
  const idle = await measureIdle(context);
  await measureOperations(context);
  await measureWatch(context);
  const children = await measureChildren(context);
  return {
    date: new Date().toISOString().slice(0, 10),
    seconds: Math.round((performance.now() - begun) / 1000),
    settings: { rounds: options.rounds, children, quick: options.quick },
    machine,
    versions: Object.assign({ Node: process.version }, ...systems.map((system) => system.versions)),
    measurements: recorder.measurements,
    ...(idle.length === 0 ? {} : { idle }),
  };
}
