import { BENCH } from '../bounds.ts';
import type { BenchClient } from '../client.ts';
import { measureRound, within } from '../measure.ts';
import { table } from '../report/format.ts';
import { comparison, rowsOf } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { type BenchContext, ownRoot, payload } from './context.ts';
import type { Experiment } from './experiment.ts';

const sizeBytes = 1024;

/** Writes to several instances at once, which share trigger, functions and servers. */
async function measure({ own, options, recorder }: BenchContext): Promise<void> {
  const data = payload(sizeBytes);
  const most = options.quick ? 2 : Math.max(...BENCH.instances);
  const mostMs = options.quick ? options.roundMs : BENCH.mixRoundMs;
  for (const system of own) {
    await using made = new AsyncDisposableStack();
    const members: { client: BenchClient; root: string }[] = [];
    while (members.length < most) {
      const { client } = made.use(await system.declare());
      const root = ownRoot();
      await within('an instance serves', client.create(root, data));
      members.push({ client, root });
    }
    for (let round = 0; round < options.rounds; round++) {
      for (const count of BENCH.instances.filter((wanted) => wanted <= most)) {
        const some = members.slice(0, count);
        const outstanding = count * BENCH.instanceOutstanding;
        const write = (index: number) => {
          const { client, root } = some[index % count] as (typeof members)[number];
          return client.setData(root, data);
        };
        const settled = () => Promise.all(some.map(({ client, root }) => client.settled(root)));
        const limits = { outstanding, mostMs, mostOperations: Number.POSITIVE_INFINITY, settled };
        const what = { section: 'instances', operation: `${count}`, system: system.name } as const;
        recorder.add({ ...what, sizeBytes, outstanding }, await within('instances', measureRound(write, limits)));
      }
    }
  }
}

function report(results: Results): string {
  const rows = rowsOf(results, 'instances');
  if (rows.length === 0) return '';
  const [rate, visible] = [comparison(rows, 'perSecond', '/s'), comparison(rows, 'visiblePerSecond', 'visible/s')];
  const shown = rows.map((row) => [row.operation, ...rate.cells(row), ...visible.cells(row)]);
  return `### Several instances at once

setData of 1 KiB, one session with ${BENCH.instanceOutstanding} requests outstanding in each instance; all share trigger, functions and servers, and the
cores of the machine.

${table(['instances', ...rate.head, ...visible.head], shown)}`;
}

export const instances: Experiment = { parts: ['instances'], measure, report };
