import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { functionEnvironment, functionNames, functionsDir } from 'faaskeeper/local';
import { freePorts, probeHttp } from 'faaskeeper/servers';
import { BENCH } from '../bounds.ts';
import { percentiles, within } from '../measure.ts';
import { table } from '../report/format.ts';
import { cell, rowsOf, values } from '../report/rows.ts';
import type { Results } from '../results.ts';
import type { FaaSKeeperSystem } from '../systems/faaskeeper.ts';
import { anyOwn, type BenchContext } from './context.ts';
import type { Experiment } from './experiment.ts';

/** ms since the process was started. */
interface Start {
  /** Code is loaded, the stores are connected, the port listens. */
  readonly ready: number;
  /** The first HTTP request is answered. */
  readonly answer: number;
}

export const coldStages = { bare: 'Node with an empty program', ready: 'ready', answer: 'first answer' } as const;
const coldFunctions = functionNames.filter((name) => name !== 'trigger');
type ColdFunction = (typeof coldFunctions)[number];

/** From the start of a function's process to its first answer, with Node's compile cache filled as in the image. */
async function measure(context: BenchContext): Promise<void> {
  const system = anyOwn(context);
  if (system === undefined) return;
  const { options, recorder } = context;
  const record = (stage: string, times: readonly number[]) =>
    recorder.add(
      { section: 'coldstart', operation: stage, system: system.name, outstanding: 1 },
      { operations: times.length, ...percentiles(times), perSecond: 0 },
    );
  // The first start fills the cache.
  for (const name of coldFunctions) await start(system, name);
  const count = options.quick ? 1 : BENCH.coldStarts;
  for (let round = 0; round < options.rounds; round++) {
    record(coldStages.bare, await series(count, bare));
    for (const name of coldFunctions) {
      const starts = await series(count, () => start(system, name));
      for (const stage of ['ready', 'answer'] as const) {
        record(
          `${name}: ${coldStages[stage]}`,
          starts.map((one) => one[stage]),
        );
      }
    }
  }
}

async function series<T>(count: number, once: () => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  while (found.length < count) found.push(await once());
  return found;
}

async function bare(): Promise<number> {
  const begun = performance.now();
  const child = spawn(process.execPath, ['--eval', ''], { stdio: 'ignore' });
  await once(child, 'exit');
  return performance.now() - begun;
}

async function start({ servers }: FaaSKeeperSystem, name: ColdFunction): Promise<Start> {
  const { nats, redis, s3 } = servers.stores;
  const ports = Object.fromEntries((await freePorts(functionNames.length)).map((port, i) => [functionNames[i], port]));
  const around = {
    nats: { url: nats.url, user: nats.user ?? '', password: nats.password ?? '' },
    redisUrl: redis.url,
    s3,
    functionToken: randomBytes(16).toString('hex'),
    logLevel: 'info',
    ports: ports as Record<(typeof functionNames)[number], number>,
  };
  const env = { ...process.env, ...functionEnvironment(name, around) };
  const begun = performance.now();
  const child = spawn(process.execPath, [join(functionsDir, `${name}.mjs`)], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  try {
    const lines = createInterface({ input: child.stdout });
    const isReady = (async () => {
      for await (const line of lines) if (line.includes('"ready"')) return;
      throw new Error(`${name} ended while starting`);
    })();
    await within(`${name} starts`, isReady);
    const ready = performance.now() - begun;
    await probeHttp(`http://127.0.0.1:${around.ports[name]}/health/ready`);
    return { ready, answer: performance.now() - begun };
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
}

function report(results: Results): string {
  const rows = rowsOf(results, 'coldstart');
  if (rows.length === 0) return '';
  const shown = rows.map(({ operation, by }) => {
    const [[, measured] = []] = by;
    return [operation, cell(values(measured, 'p50')), cell(values(measured, 'p99'))];
  });
  return `### Cold start of a function (ms)

From the start of the process, which connects to NATS before it is ready. The rest of a cold start from zero is that of
Kubernetes and Knative: [kubernetes.md](kubernetes.md) has those stages.

${table(['stage', 'p50', 'p99'], shown)}`;
}

export const coldstart: Experiment = { parts: ['coldstart'], measure, report };
