import { BENCH } from '../bounds.ts';
import type { BenchClient, BenchSystem } from '../client.ts';
import { measureRound, within } from '../measure.ts';
import { table } from '../report/format.ts';
import { comparison, medians, rowsOf } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { type BenchContext, ownRoot } from './context.ts';
import type { Experiment } from './experiment.ts';

const firstMark = 100;
/** Filling a large parent may take long: user storage holds an object for each child. */
const fillMs = 15 * 60_000;

interface Parent {
  readonly client: BenchClient;
  readonly root: string;
  /** Children it has. */
  filled: number;
}

/** Does a create cost more under a parent with many children? Measured at the first ones and at the last. */
async function measure(context: BenchContext): Promise<void> {
  let most = context.options.children;
  // All systems get as many as the first could take in time.
  for (const system of context.systems) most = await measureParent(context, system, most);
}

async function measureParent(context: BenchContext, system: BenchSystem, most: number): Promise<number> {
  const { options, say } = context;
  const samples = options.quick ? BENCH.leastOperations : BENCH.parentSamples;
  const client = await system.connect({ cache: false });
  const parent: Parent = { client, root: ownRoot(), filled: 0 };
  try {
    await client.create(parent.root, new Uint8Array());
    say(`${system.name}: a parent with ${Math.min(firstMark, most)} children`);
    await fill(parent, Math.min(firstMark, most) - samples, fillMs);
    await measureCreates(context, system, parent, samples);
    if (most <= firstMark) return parent.filled;
    say(`${system.name}: a parent with up to ${most} children`);
    await fill(parent, most - samples, options.childrenGiven ? fillMs : BENCH.parentFillMs);
    await measureCreates(context, system, parent, samples);
    return parent.filled;
  } finally {
    await client.close();
  }
}

/** Until acknowledged, then until visible; half of the samples each. */
async function measureCreates(
  { recorder }: BenchContext,
  system: BenchSystem,
  parent: Parent,
  samples: number,
): Promise<void> {
  const { client, root } = parent;
  const mark = parent.filled + samples;
  const at = { section: 'children', system: system.name, outstanding: 1 } as const;
  const limits = { outstanding: 1, mostMs: Number.POSITIVE_INFINITY, mostOperations: samples >> 1 };
  const create = () => client.create(`${root}/${childName(parent.filled++)}`, new Uint8Array());
  const settled = () => within(`${system.name} shows what was created`, client.settled(root));
  recorder.add({ ...at, operation: `create, child ${mark}` }, await measureRound(create, { ...limits, settled }));
  const createAndSee = async () => {
    await create();
    await settled();
  };
  recorder.add({ ...at, operation: `create until visible, child ${mark}` }, await measureRound(createAndSee, limits));
}

/** Creates children in multis, some on their way at a time, and waits until all can be seen. */
async function fill(parent: Parent, to: number, limitMs: number): Promise<void> {
  const { client, root } = parent;
  const begun = performance.now();
  while (parent.filled < to && performance.now() - begun < limitMs) {
    const multis: Promise<unknown>[] = [];
    while (multis.length < BENCH.parentPipelined && parent.filled < to) {
      const first = parent.filled;
      parent.filled = Math.min(to, first + BENCH.parentMulti);
      const names = Array.from({ length: parent.filled - first }, (_, i) => `${root}/${childName(first + i)}`);
      multis.push(client.createAll(names));
    }
    await within('a parent is filled', Promise.all(multis));
    // What is acknowledged faster than it can be shown would be waited for at the end.
    await within('children become visible', client.settled(root));
  }
}

function childName(index: number): string {
  return `child-${String(index).padStart(7, '0')}`;
}

function report(results: Results): string {
  const rows = rowsOf(results, 'children');
  if (rows.length === 0) return '';
  const [p50, p99] = [comparison(rows, 'p50', 'p50'), medians(rows, 'p99', 'p99')];
  const shown = rows.map((row) => [
    row.operation.replace(/\d+$/, (mark) => Number(mark).toLocaleString('en-US')),
    ...p50.cells(row),
    ...p99.cells(row),
  ]);
  return `### A parent with many children (ms)\n\n${table(['operation', ...p50.head, ...p99.head], shown)}`;
}

export const children: Experiment = { parts: ['children'], measure, report };
