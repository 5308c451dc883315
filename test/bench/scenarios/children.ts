import { BENCH } from '../bounds.ts';
import type { BenchClient, BenchSystem } from '../client.ts';
import { measureRound, within } from '../measure.ts';
import { type BenchContext, ownRoot } from './context.ts';

const firstMark = 1_000;
/** Filling a large parent may take long: user storage holds an object for each child. */
const fillMs = 15 * 60_000;

/** Does a create cost more under a parent with many children? Measured at the 1,000th and at the last. */
export async function measureChildren(context: BenchContext): Promise<void> {
  const { options, systems } = context;
  if (!options.parts.has('children')) return;
  for (const system of systems) await measureParent(context, system);
}

async function measureParent({ options, recorder, say }: BenchContext, system: BenchSystem): Promise<void> {
  const client = await system.connect({ cache: false });
  const root = ownRoot();
  const samples = options.quick ? BENCH.leastOperations : BENCH.parentSamples;
  let filled = 0;
  const measure = async (mark: number) => {
    filled = await within(`${system.name} fills a parent`, fill(client, root, filled, mark - samples), fillMs);
    await within(`${system.name} shows what was created`, client.settled(root), fillMs);
    const at = { section: 'children', system: system.name, outstanding: 1 } as const;
    const limits = { outstanding: 1, mostMs: Number.POSITIVE_INFINITY, mostOperations: samples >> 1 };
    const create = () => client.create(`${root}/${childName(filled++)}`, new Uint8Array());
    const acknowledged = await measureRound(create, { ...limits, settled: () => client.settled(root) });
    recorder.add({ ...at, operation: `create, child ${mark}` }, acknowledged);
    const visible = await measureRound(async () => {
      await create();
      await client.settled(root);
    }, limits);
    recorder.add({ ...at, operation: `create until visible, child ${mark}` }, visible);
  };
  try {
    await client.create(root, new Uint8Array());
    say(`${system.name}: a parent with ${Math.min(firstMark, options.children)} children`);
    await measure(Math.min(firstMark, options.children));
    if (options.children > firstMark) {
      say(`${system.name}: a parent with ${options.children} children`);
      await measure(options.children);
    }
  } finally {
    await client.close();
  }
}

/** Creates children `from` to `to` in multis, some on their way at a time; returns how many there are. */
async function fill(client: BenchClient, root: string, from: number, to: number): Promise<number> {
  let next = from;
  const lane = async () => {
    while (next < to) {
      const first = next;
      next = Math.min(to, first + BENCH.parentMulti);
      await client.createAll(Array.from({ length: next - first }, (_, i) => `${root}/${childName(first + i)}`));
    }
  };
  await Promise.all(Array.from({ length: BENCH.parentPipelined }, lane));
  return Math.max(from, to);
}

function childName(index: number): string {
  return `child-${String(index).padStart(7, '0')}`;
}
