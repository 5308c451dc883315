import { BENCH } from '../bounds.ts';
import { type BenchClient, type BenchSystem, ownSystems, type SystemName, systemTitles } from '../client.ts';
import { measureQuick, measureRound, type Round, within } from '../measure.ts';
import { type OperationName, operationNames } from '../options.ts';
import { sizeText, table } from '../report/format.ts';
import { cell, comparison, median, medians, type Row, rowsOf, systemsOf, values } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { type BenchContext, ownRoot, payload, takeTurns } from './context.ts';
import type { BenchPlot, Experiment } from './experiment.ts';

/** One system with nodes of one size, ready to be measured. */
interface Stage {
  readonly system: BenchSystem;
  readonly client: BenchClient;
  /** Keeps what it reads. */
  readonly cached: BenchClient;
  readonly root: string;
  readonly data: Uint8Array;
  readonly nodes: readonly string[];
  readonly parents: readonly string[];
}

/** Every operation at every size, with one request at a time and with many. */
async function measure(context: BenchContext): Promise<void> {
  const { options, systems, say } = context;
  const wanted = operationNames.filter((name) => options.parts.has(name));
  for (const sizeBytes of options.sizes) {
    say(`operations with ${sizeBytes} bytes`);
    const stages: Stage[] = [];
    for (const system of systems) stages.push(await prepare(system, sizeBytes));
    try {
      for (const outstanding of new Set(options.outstanding.map((wanted) => fitting(wanted, sizeBytes)))) {
        await measureAll({ ...context, stages, wanted, sizeBytes, outstanding });
      }
    } finally {
      await Promise.all(stages.flatMap(({ client, cached }) => [client.close(), cached.close()]));
    }
  }
}

/** More data on its way than this measures memory, and more than a session may have. */
function fitting(outstanding: number, sizeBytes: number): number {
  const most = sizeBytes <= BENCH.smallBytes ? outstanding : Math.min(outstanding, 64);
  return Math.max(1, Math.min(most, Math.floor(BENCH.outstandingBytes / sizeBytes)));
}

async function prepare(system: BenchSystem, sizeBytes: number): Promise<Stage> {
  const [client, cached] = await Promise.all([system.connect({ cache: false }), system.connect({ cache: true })]);
  const root = ownRoot();
  const data = payload(sizeBytes);
  const count = Math.max(1, Math.min(BENCH.nodes, Math.floor(BENCH.nodeBytes / sizeBytes)));
  const nodes = Array.from({ length: count }, (_, i) => `${root}/n${i}`);
  const parents = nodes.slice(0, BENCH.childParents);
  const fill = async () => {
    await client.create(root, new Uint8Array());
    await client.create(`${root}/c`, new Uint8Array());
    for (const node of nodes) await client.create(node, data);
    for (const parent of parents) {
      await client.createAll(Array.from({ length: BENCH.children }, (_, i) => `${parent}/child-${i}`));
    }
    await client.settled(root);
  };
  await within(`${system.name} creates nodes of ${sizeBytes} bytes`, fill());
  return { system, client, cached, root, data, nodes, parents };
}

interface Series extends BenchContext {
  readonly stages: readonly Stage[];
  readonly wanted: readonly OperationName[];
  readonly sizeBytes: number;
  readonly outstanding: number;
}

async function measureAll(series: Series): Promise<void> {
  const { wanted, stages, options, recorder, sizeBytes, outstanding } = series;
  const record = (stage: Stage, operation: OperationName, round: Round) =>
    recorder.add({ section: 'operations', operation, system: stage.system.name, sizeBytes, outstanding }, round);
  const limits = limitsOf(series);
  if (wanted.includes('create') || wanted.includes('delete')) {
    await takeTurns(stages, options.rounds, async (stage, round) => {
      const rounds = await within(
        `${stage.system.name} creates and deletes`,
        createAndDelete(stage, limits, `r${outstanding}-${round}`),
      );
      for (const name of ['create', 'delete'] as const) if (wanted.includes(name)) record(stage, name, rounds[name]);
    });
  }
  for (const name of wanted) {
    if (name === 'create' || name === 'delete') continue;
    if (name === 'multi' && !fitsMulti(sizeBytes)) continue;
    if (name === 'cachedGetData' && outstanding > 1) continue;
    if (name === 'cachedGetData') await Promise.all(stages.map(fillCache));
    await takeTurns(stages, options.rounds, async (stage) => {
      record(stage, name, await within(`${stage.system.name} ${name}`, measureOne(stage, name, limits)));
    });
  }
}

/** One request holds all of its data. */
function fitsMulti(sizeBytes: number): boolean {
  return sizeBytes * BENCH.multiNodes <= BENCH.multiBytes;
}

/** What is read twice, and not changed since, stays in the cache. */
async function fillCache({ cached, nodes }: Stage): Promise<void> {
  for (let pass = 0; pass < 3; pass++) {
    for (const node of nodes) await within('a read', cached.getData(node));
  }
}

type Limits = { readonly outstanding: number; readonly mostMs: number; readonly mostOperations: number };

function limitsOf({ options, sizeBytes, outstanding }: Series): Limits {
  const most = outstanding === 1 ? BENCH.mostSequential : Math.max(BENCH.mostOutstanding, outstanding * 4);
  return {
    outstanding,
    mostMs: options.roundMs,
    mostOperations: Math.max(BENCH.leastOperations, Math.min(most, Math.floor(BENCH.roundBytes / sizeBytes))),
  };
}

async function createAndDelete(
  stage: Stage,
  limits: Limits,
  prefix: string,
): Promise<Record<'create' | 'delete', Round>> {
  const { client, root, data } = stage;
  const path = (index: number) => `${root}/c/${prefix}-${index}`;
  const settled = () => client.settled(`${root}/c`);
  const create = await measureRound((index) => client.create(path(index), data), { ...limits, settled });
  const all = { mostMs: Number.POSITIVE_INFINITY, mostOperations: create.operations };
  const remove = await measureRound((index) => client.delete(path(index)), { ...limits, ...all, settled });
  return { create, delete: remove };
}

function measureOne(stage: Stage, name: Exclude<OperationName, 'create' | 'delete'>, limits: Limits): Promise<Round> {
  const { client, cached, nodes, parents, data } = stage;
  const node = (index: number) => nodes[index % nodes.length] as string;
  const some = (index: number) =>
    Array.from({ length: BENCH.multiNodes }, (_, i) => node(index * BENCH.multiNodes + i));
  switch (name) {
    case 'setData':
      return measureRound((index) => client.setData(node(index), data), {
        ...limits,
        settled: () => client.settled(node(0)),
      });
    case 'multi':
      return measureRound((index) => client.setAll(some(index), data), {
        ...limits,
        settled: () => client.settled(node(0)),
      });
    case 'getData':
      return measureRound((index) => client.getData(node(index)), limits);
    case 'cachedGetData':
      // ZooKeeper's client has no cache: each of these is a request there.
      return stage.system.hasCache
        ? measureQuick((index) => cached.getData(node(index)), { ...limits, mostOperations: BENCH.mostCached })
        : measureRound((index) => cached.getData(node(index)), limits);
    case 'exists':
      return measureRound((index) => client.exists(node(index)), limits);
    case 'getChildren':
      return measureRound((index) => client.getChildren(parents[index % parents.length] as string), limits);
  }
}

const shown = (operation: string) =>
  operation === 'cachedGetData'
    ? 'getData, cached'
    : operation === 'multi'
      ? `multi of ${BENCH.multiNodes} setData`
      : operation;

function sorted(results: Results): Row[] {
  const place = ({ operation }: Row) => operationNames.indexOf(operation as OperationName);
  return rowsOf(results, 'operations').sort(
    (one, other) =>
      place(one) - place(other) || (one.sizeBytes ?? 0) - (other.sizeBytes ?? 0) || one.outstanding - other.outstanding,
  );
}

function report(results: Results): string {
  const rows = sorted(results);
  if (rows.length === 0) return '';
  const alone = rows.filter(({ outstanding }) => outstanding === 1);
  const [p50, p99] = [comparison(alone, 'p50', 'p50'), medians(alone, 'p99', 'p99')];
  const rate = comparison(rows, 'perSecond', '/s');
  const own = ownSystems.filter((system) => rows.some(({ by }) => by.has(system)));
  const visible = (row: Row, system: SystemName) => cell(values(row.by.get(system), 'visiblePerSecond'));
  const about = (row: Row) => [shown(row.operation), sizeText(row.sizeBytes ?? 0)];
  const latencies = alone.map((row) => [...about(row), ...p50.cells(row), ...p99.cells(row)]);
  const rates = rows.map((row) => [
    ...about(row),
    String(row.outstanding),
    ...rate.cells(row),
    ...own.map((system) => visible(row, system)),
  ]);
  const visibleHead = own.map((system) => `${systemTitles[system]} visible/s`);
  return `### Latency, one request at a time (ms)

${table(['operation', 'data', ...p50.head, ...p99.head], latencies, 2)}

### Throughput

Operations per second of one session with so many outstanding. "visible/s" counts FaaSKeeper's writes until user storage
shows all of them.

${table(['operation', 'data', 'outstanding', ...rate.head, ...visibleHead], rates, 2)}`;
}

function plots(results: Results): BenchPlot[] {
  const alone = sorted(results).filter(({ outstanding }) => outstanding === 1);
  return (['getData', 'setData'] as const).flatMap((name): BenchPlot[] => {
    const rows = alone.filter(({ operation }) => operation === name);
    if (rows.length < 2) return [];
    const series = systemsOf(rows).map((system) => ({
      name: systemTitles[system],
      kind: 'line' as const,
      points: rows.map((row) => [row.sizeBytes ?? 0, median(row, system, 'p50')] as const),
    }));
    const title = `${name}, one at a time: median latency by size`;
    const axes = { x: { name: 'bytes', scale: 'log' }, y: { name: 'ms', scale: 'log' } } as const;
    return [{ name: `${name}-by-size`, plot: { title, ...axes, series } }];
  });
}

export const operations: Experiment = { parts: operationNames, measure, report, plots };
