/** A run on a system of this machine, judged and reported. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeMachine } from '../bench/machine.ts';
import { Chance } from '../simulation/random.ts';
import { judge, type Verdict } from './checker/index.ts';
import { History } from './history.ts';
import { type FaultName, faultsOf, type Inject } from './nemesis/faults.ts';
import type { ChaosOptions } from './options.ts';
import { holds, writeReport } from './report/report.ts';
import { type RunOutcome, runChaos } from './run.ts';
import { openClusterSystem } from './system/cluster.ts';
import { startLocalSystem } from './system/local.ts';
import type { ChaosSystem } from './system/system.ts';

export interface ChaosOutcome extends RunOutcome {
  /** Nothing is wrong. */
  readonly holds: boolean;
  readonly verdicts: readonly Verdict[];
  /** Directory of report.md, the plots and history.jsonl. */
  readonly report: string;
  readonly history: History;
}

export interface ChaosContext {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export async function chaos(options: ChaosOptions, { say, signal }: ChaosContext): Promise<ChaosOutcome> {
  const { seed, clients, durationMs } = options;
  const report = options.report ?? (await mkdtemp(join(tmpdir(), 'faaskeeper-chaos-')));
  const directory = join(report, 'data');
  await mkdir(report, { recursive: true });
  await using undo = new AsyncDisposableStack();
  if (!options.keep) undo.defer(() => rm(directory, { recursive: true, force: true }));
  const { system, possible } = await openSystem(options, directory, say);
  undo.use(system);
  const faults = new Map([...possible].filter(([name]) => options.faults.includes(name)));
  const missing = options.faults.filter((name) => !faults.has(name));
  if (missing.length > 0) say(`not possible here: ${missing.join(', ')}`);
  const history = new History(join(report, 'history.jsonl'));
  let outcome: RunOutcome;
  try {
    outcome = await runChaos({ system, faults, history, seed, clients, durationMs, signal, say });
  } finally {
    await history.close();
  }
  say('judging');
  const verdicts = await judge(history.entries, report);
  const { cpu, cores, memoryGiB } = describeMachine();
  await writeReport(report, {
    entries: history.entries,
    verdicts,
    outcome,
    command: commandOf(options, [...faults.keys()]),
    versions: system.versions,
    machine: `${cores} cores (${cpu}), ${memoryGiB} GiB`,
  });
  return { ...outcome, verdicts, report, history, holds: holds({ verdicts, outcome }) };
}

async function openSystem(
  { seed, clients, topology, cluster, faults }: ChaosOptions,
  directory: string,
  say: (line: string) => void,
): Promise<{ system: ChaosSystem; possible: Map<FaultName, Inject> }> {
  const chance = new Chance(seed, 'faults');
  if (cluster !== undefined) {
    const system = await openClusterSystem(cluster);
    return { system, possible: system.faults(chance) };
  }
  const [volumes, clocks] = [faults.includes('disk'), faults.includes('clock')];
  const system = await startLocalSystem({ directory, topology, volumes, clocks, say });
  return { system, possible: faultsOf(system, chance, clients) };
}

function commandOf({ durationMs, seed, clients, topology, cluster }: ChaosOptions, faults: readonly string[]): string {
  const flags = `--duration ${durationMs / 1_000} --seed ${seed} --clients ${clients} ${cluster === undefined ? `--topology ${topology}` : `--cluster ${cluster}`}`;
  return `npm run chaos -- ${flags} --faults ${faults.join(',')}`;
}
