import { BENCH } from '../bounds.ts';
import { systemTitles } from '../client.ts';
import { Load } from '../load/load.ts';
import { table } from '../report/format.ts';
import { comparison, median, medians, rowsOf, systemsOf } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { type BenchContext, takeTurns } from './context.ts';
import type { BenchPlot, Experiment } from './experiment.ts';
import { membersOf } from './members.ts';

const sizeBytes = 1024;

/** ZooKeeper's clients at all systems, from a process of their own: throughput by connections and share of reads. */
async function measure(context: BenchContext): Promise<void> {
  const { options, systems, recorder } = context;
  await using load = new Load();
  const members = membersOf(systems);
  const ms = options.quick ? options.roundMs : BENCH.gatewayRoundMs;
  const warmMs = options.quick ? options.roundMs : BENCH.gatewayWarmMs;
  const connections = options.quick ? BENCH.gatewayConnections.slice(0, 2) : BENCH.gatewayConnections;
  const most = Math.max(...connections);
  const mix = { nodes: BENCH.nodes, sizeBytes };
  for (const { target, root } of members) {
    await load.open(target, most);
    await load.fill(target, root, BENCH.nodes, sizeBytes);
    for (const reads of [0, 100]) await load.run(target, root, { ...mix, sessions: most, reads, ms: warmMs });
  }
  for (const reads of BENCH.gatewayReads) {
    for (const sessions of connections) {
      await takeTurns(members, options.rounds, async ({ system, target, root }) => {
        // What the round before has written is visible, and what it has outdated is cached again.
        if (reads > 0) await load.warm(target, root, mix.nodes);
        const before = await system.wire.cpuMs();
        const run = await load.run(target, root, { ...mix, sessions, reads, ms });
        await load.settle(target, root);
        const after = await system.wire.cpuMs();
        const cpu =
          before === undefined || after === undefined ? undefined : ((after - before) * 1000) / run.operations;
        const round = { ...run, ...(cpu === undefined ? {} : { cpuMicros: cpu }) };
        const what = { section: 'gateway', operation: `${reads} % reads`, system: system.name } as const;
        recorder.add({ ...what, sizeBytes, outstanding: sessions }, round);
      });
    }
  }
  for (const { target } of members) await load.close(target);
}

function report(results: Results): string {
  const rows = rowsOf(results, 'gateway');
  if (rows.length === 0) return '';
  const rate = comparison(rows, 'perSecond', '/s');
  const cpu = comparison(rows, 'cpuMicros', 'CPU µs');
  const [p50, p99] = [medians(rows, 'p50', 'p50'), medians(rows, 'p99', 'p99')];
  const shown = rows.map((row) => [
    row.operation,
    String(row.outstanding),
    ...[rate, cpu, p50, p99].flatMap((columns) => columns.cells(row)),
  ]);
  const head = ['mix', 'connections', ...rate.head, ...cpu.head, ...p50.head, ...p99.head];
  return `### Through the gateway

getData and setData of 1 KiB on ${BENCH.nodes} nodes by ZooKeeper's clients, each connection with one request at a time; the clients
are a process of their own, the same for all. CPU is the time of all processes of the system for one operation, until it
is visible, in µs: it tells more than the rates where others use the machine. Latencies in ms.

${table(head, shown, 1)}`;
}

function plots(results: Results): BenchPlot[] {
  return [100, 0].flatMap((reads): BenchPlot[] => {
    const rows = rowsOf(results, 'gateway').filter(({ operation }) => operation === `${reads} % reads`);
    if (rows.length < 2) return [];
    const series = systemsOf(rows).map((system) => ({
      name: systemTitles[system],
      kind: 'line' as const,
      points: rows.map((row) => [row.outstanding, median(row, system, 'perSecond')] as const),
    }));
    const title = `Through the gateway, ${reads} % reads`;
    const axes = { x: { name: 'connections', scale: 'log' }, y: { name: 'per second' } } as const;
    return [{ name: `gateway-${reads}-reads`, plot: { title, ...axes, series } }];
  });
}

export const gateway: Experiment = { parts: ['gateway'], measure, report, plots };
