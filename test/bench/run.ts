import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchSystem, ownSystems } from './client.ts';
import { describeMachine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { Recorder, type Results } from './results.ts';
import type { BenchContext } from './scenarios/context.ts';
import { experiments } from './scenarios/index.ts';
import { type FaaSKeeperSystem, startFaaSKeeper } from './systems/faaskeeper.ts';
import { startEnsembleSystem, startZooKeeperSystem } from './systems/zookeeper.ts';

/** Starts all systems on fresh data, measures them in turns, and stops them. */
export async function runBench(options: BenchOptions, say: (line: string) => void = () => {}): Promise<Results> {
  const begun = performance.now();
  const machine = describeMachine();
  const root = await mkdtemp(join(tmpdir(), 'faaskeeper-bench-'));
  await using running = new AsyncDisposableStack();
  running.defer(() => rm(root, { recursive: true, force: true }));
  const systems: BenchSystem[] = [];
  const own: FaaSKeeperSystem[] = [];
  for (const name of ownSystems) {
    if (options.systems.includes(name)) own.push(running.use(await startFaaSKeeper(join(root, name), say, name)));
  }
  systems.push(...own);
  if (options.systems.includes('zookeeper')) {
    systems.push(running.use(await startZooKeeperSystem(join(root, 'zookeeper'), say, options.zookeeper)));
  }
  if (options.systems.includes('ensemble')) {
    systems.push(running.use(await startEnsembleSystem(join(root, 'ensemble'), say)));
  }
  const recorder = new Recorder();
  const failures: NonNullable<Results['failures']>[number][] = [];
  const directory = () => mkdtemp(join(root, 'part-'));
  const context: BenchContext = { systems, own, options, recorder, say, directory };
  for (const experiment of experiments) {
    const [part] = experiment.parts.filter((name) => options.parts.has(name));
    if (part === undefined) continue;
    say(`measuring: ${experiment.parts.length === 1 ? part : 'operations'}`);
    try {
      await experiment.measure(context);
    } catch (error) {
      // The others may have taken most of an hour.
      const reason = error instanceof Error ? error.message : String(error);
      say(`${part} failed: ${error instanceof Error ? error.stack : reason}`);
      failures.push({ part, reason });
    }
  }
  const { measurements, figures, idle } = recorder;
  return {
    date: new Date().toISOString().slice(0, 10),
    seconds: Math.round((performance.now() - begun) / 1000),
    settings: { rounds: options.rounds, children: childrenOf(recorder, options), quick: options.quick },
    machine,
    versions: Object.assign({ Node: process.version }, ...systems.map((system) => system.versions)),
    parts: [...options.parts],
    ...(failures.length === 0 ? {} : { failures }),
    measurements,
    figures,
    ...(idle.length === 0 ? {} : { idle }),
  };
}

/** How many children the parents had in the end. */
function childrenOf({ measurements }: Recorder, { children }: BenchOptions): number {
  const marks = measurements
    .filter(({ section }) => section === 'children')
    .map(({ operation }) => Number(/\d+$/.exec(operation)?.[0]));
  return marks.length === 0 ? children : Math.max(...marks);
}
