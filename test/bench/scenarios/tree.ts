import { connectRedis } from '@faaskeeper/functions/stores';
import { BENCH } from '../bounds.ts';
import { type BenchClient, type BenchSystem, systemTitles } from '../client.ts';
import { measureRound, within } from '../measure.ts';
import { table } from '../report/format.ts';
import { comparison, figureColumns, median, rowsOf, systemsOf } from '../report/rows.ts';
import type { Results } from '../results.ts';
import type { FaaSKeeperSystem } from '../systems/faaskeeper.ts';
import { type BenchContext, ownRoot } from './context.ts';
import type { BenchPlot, Experiment } from './experiment.ts';

const firstMark = 1_000;
const operations = ['create', 'setData', 'getData'] as const;

interface Tree {
  readonly system: BenchSystem;
  readonly client: BenchClient;
  readonly root: string;
  /** Nodes it has, parents not counted. */
  filled: number;
}

const parentOf = (tree: Tree, index: number) => `${tree.root}/p${Math.floor(index / BENCH.treeParent)}`;
const pathOf = (tree: Tree, index: number) => `${parentOf(tree, index)}/n${index % BENCH.treeParent}`;

/** Does an operation cost more in a large tree? Measured at ten times more nodes each time. */
async function measure(context: BenchContext): Promise<void> {
  const { systems, options, say } = context;
  const marks: number[] = [];
  for (let mark = firstMark; mark <= options.tree; mark *= 10) marks.push(mark);
  for (const system of systems) {
    const tree: Tree = { system, client: await system.connect({ cache: false }), root: ownRoot(), filled: 0 };
    try {
      await tree.client.create(tree.root, new Uint8Array());
      for (const mark of marks) {
        say(`${system.name}: a tree of ${mark.toLocaleString('en-US')} nodes`);
        const begun = performance.now();
        await fill(tree, mark);
        const seconds = (performance.now() - begun) / 1000;
        const name = `${mark.toLocaleString('en-US')} nodes: filled and visible after, s`;
        context.recorder.figure({ section: 'tree', name, system: system.name }, seconds);
        await measureAt(context, tree, mark);
      }
    } finally {
      await tree.client.close();
    }
  }
}

async function measureAt({ own, options, recorder }: BenchContext, tree: Tree, mark: number): Promise<void> {
  const { system, client } = tree;
  const data = new Uint8Array(64);
  // Spread over the tree, so that no cache of nodes that were just written helps.
  const some = (index: number) => pathOf(tree, (index * 7919) % mark);
  const work = {
    create: (index: number) => client.create(`${some(index)}/x${mark}-${index}`, data),
    setData: (index: number) => client.setData(some(index), data),
    getData: (index: number) => client.getData(some(index)),
  };
  const samples = options.quick ? BENCH.leastOperations : BENCH.treeSamples;
  const limits = { outstanding: 1, mostMs: Number.POSITIVE_INFINITY, mostOperations: samples };
  for (let round = 0; round < options.rounds; round++) {
    for (const operation of operations) {
      const first = round * samples;
      const one = (index: number) => work[operation](first + index);
      const what = { section: 'tree', operation: `${operation}|${mark}`, system: system.name, outstanding: 1 } as const;
      recorder.add(what, await within('a large tree', measureRound(one, limits)));
      await client.settled(tree.root);
    }
  }
  const ours = own.find(({ name }) => name === system.name);
  if (ours === undefined) return;
  const name = `${mark.toLocaleString('en-US')} nodes: memory of Redis, MiB`;
  recorder.figure({ section: 'tree', name, system: system.name }, (await redisBytes(ours)) / 1024 / 1024);
}

async function redisBytes({ servers }: FaaSKeeperSystem): Promise<number> {
  const redis = connectRedis({ url: servers.redisUrl, name: 'faaskeeper-bench' });
  try {
    return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
  } finally {
    redis.disconnect();
  }
}

async function fill(tree: Tree, mark: number): Promise<void> {
  const { client, system } = tree;
  while (tree.filled < mark) {
    const multis: Promise<unknown>[] = [];
    while (multis.length < BENCH.parentPipelined && tree.filled < mark) {
      const first = tree.filled;
      if (first % BENCH.treeParent === 0) multis.push(client.create(parentOf(tree, first), new Uint8Array()));
      const room = BENCH.treeParent - (first % BENCH.treeParent);
      tree.filled = Math.min(mark, first + Math.min(BENCH.parentMulti, room));
      multis.push(client.createAll(Array.from({ length: tree.filled - first }, (_, i) => pathOf(tree, first + i))));
    }
    await within('a tree is filled', Promise.all(multis));
    // What is acknowledged faster than it can be shown would be waited for at the end.
    await within(`${system.name} shows a tree`, client.settled(tree.root));
  }
}

function report(results: Results): string {
  const rows = rowsOf(results, 'tree');
  if (rows.length === 0) return '';
  const p50 = comparison(rows, 'p50', 'p50');
  const shown = rows.map((row) => {
    const [operation = '', mark = ''] = row.operation.split('|');
    return [operation, Number(mark).toLocaleString('en-US'), ...p50.cells(row)];
  });
  const figures = figureColumns(results, 'tree');
  return `### Size of the tree (ms)

One operation at a time on nodes all over a tree of so many, ${BENCH.treeParent.toLocaleString('en-US')} below each parent.

${table(['operation', 'nodes', ...p50.head], shown, 1)}

${table(['tree', ...figures.head], figures.rows)}`;
}

function plots(results: Results): BenchPlot[] {
  const all = rowsOf(results, 'tree');
  return (['setData'] as const).flatMap((name): BenchPlot[] => {
    const rows = all.filter(({ operation }) => operation.startsWith(`${name}|`));
    if (rows.length < 2) return [];
    const series = systemsOf(rows).map((system) => ({
      name: systemTitles[system],
      kind: 'line' as const,
      points: rows.map((row) => [Number(row.operation.split('|')[1]), median(row, system, 'p50')] as const),
    }));
    const title = `${name} by size of the tree`;
    const axes = { x: { name: 'nodes', scale: 'log' }, y: { name: 'ms' } } as const;
    return [{ name: 'tree', plot: { title, ...axes, series } }];
  });
}

export const tree: Experiment = { parts: ['tree'], measure, report, plots };
