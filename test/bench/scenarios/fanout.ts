import { BENCH } from '../bounds.ts';
import { systemTitles } from '../client.ts';
import { Load } from '../load/load.ts';
import { percentiles } from '../measure.ts';
import { table } from '../report/format.ts';
import { comparison, median, rowsOf, systemsOf } from '../report/rows.ts';
import type { Results } from '../results.ts';
import type { BenchContext } from './context.ts';
import type { BenchPlot, Experiment } from './experiment.ts';
import { membersOf } from './members.ts';

const watchers = (options: { readonly quick: boolean }) =>
  options.quick ? BENCH.watchers.slice(0, 2) : BENCH.watchers;

/** One write, many sessions that watch its node; all through the wire protocol, from a process of their own. */
async function measure({ systems, options, recorder }: BenchContext): Promise<void> {
  await using load = new Load();
  for (const outstanding of watchers(options)) {
    for (const { system, target, root } of membersOf(systems)) {
      await load.open(target, outstanding);
      await load.fill(target, root, 1, 1);
      for (let round = 0; round < options.rounds; round++) {
        const { half, last } = await load.fanout(target, root, BENCH.fanoutWrites);
        const at = { section: 'fanout', system: system.name, outstanding } as const;
        const rate = { operations: last.length, perSecond: 0 };
        recorder.add({ ...at, operation: 'half of them' }, { ...rate, ...percentiles(half) });
        recorder.add({ ...at, operation: 'the last of them' }, { ...rate, ...percentiles(last) });
      }
      await load.close(target);
    }
  }
}

function report(results: Results): string {
  const rows = rowsOf(results, 'fanout');
  if (rows.length === 0) return '';
  const p50 = comparison(rows, 'p50', 'p50');
  const shown = rows.map((row) => [row.outstanding.toLocaleString('en-US'), row.operation, ...p50.cells(row)]);
  return `### Watchers of one node (ms)

From the request of a setData of 1 KiB to the event at half of the sessions that watch the node, and at the last of them,
all connected to one server (or to the gateway).

${table(['watchers', 'event at', ...p50.head], shown, 2)}`;
}

function plots(results: Results): BenchPlot[] {
  const rows = rowsOf(results, 'fanout').filter(({ operation }) => operation === 'the last of them');
  if (rows.length < 2) return [];
  const series = systemsOf(rows).map((system) => ({
    name: systemTitles[system],
    kind: 'line' as const,
    points: rows.map((row) => [row.outstanding, median(row, system, 'p50')] as const),
  }));
  const title = 'From a write to the event at the last watcher';
  const axes = { x: { name: 'watchers', scale: 'log' }, y: { name: 'ms', scale: 'log' } } as const;
  return [{ name: 'fanout', plot: { title, ...axes, series } }];
}

export const fanout: Experiment = { parts: ['fanout'], measure, report, plots };
