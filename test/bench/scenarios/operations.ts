import { BENCH } from '../bounds.ts';
import type { BenchClient, BenchSystem } from '../client.ts';
import { measureQuick, measureRound, type Round, within } from '../measure.ts';
import { type OperationName, operationNames } from '../options.ts';
import { type BenchContext, ownRoot, payload, takeTurns } from './context.ts';

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
export async function measureOperations(context: BenchContext): Promise<void> {
  const { options, systems, say } = context;
  const wanted = operationNames.filter((name) => options.parts.has(name));
  if (wanted.length === 0) return;
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
    if (name === 'cachedGetData' && outstanding > 1) continue;
    if (name === 'cachedGetData') await Promise.all(stages.map(fillCache));
    await takeTurns(stages, options.rounds, async (stage) => {
      record(stage, name, await within(`${stage.system.name} ${name}`, measureOne(stage, name, limits)));
    });
  }
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
  switch (name) {
    case 'setData':
      return measureRound((index) => client.setData(node(index), data), {
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
