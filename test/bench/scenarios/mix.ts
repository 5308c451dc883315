import { BENCH } from '../bounds.ts';
import { type BenchClient, type BenchSystem, systemTitles } from '../client.ts';
import { measureRound, within } from '../measure.ts';
import { table } from '../report/format.ts';
import { comparison, median, medians, rowsOf, systemsOf } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { type BenchContext, ownRoot, payload, takeTurns } from './context.ts';
import type { BenchPlot, Experiment } from './experiment.ts';

const sizeBytes = 1024;

interface Member {
  readonly system: BenchSystem;
  readonly clients: readonly BenchClient[];
  readonly paths: readonly string[];
}

/** Throughput by requests on their way and share of reads: clients as users have them, with their near-caches. */
async function measure({ systems, options, recorder }: BenchContext): Promise<void> {
  const data = payload(sizeBytes);
  const members: Member[] = [];
  for (const system of systems) members.push(await prepare(system, data));
  const mostMs = options.quick ? options.roundMs : BENCH.mixRoundMs;
  const levels = options.quick ? BENCH.mixOutstanding.slice(0, 3) : BENCH.mixOutstanding;
  try {
    for (const reads of BENCH.mixReads) {
      for (const outstanding of levels) {
        await takeTurns(members, options.rounds, async ({ system, clients, paths }) => {
          const client = (index: number) => clients[index % Math.min(outstanding, clients.length)] as BenchClient;
          const operation = (index: number) => {
            // The same requests for all, spread over nodes and kinds.
            const path = paths[(index * 31) % paths.length] as string;
            const isRead = (index * 37) % 100 < reads;
            return isRead ? client(index).getData(path) : client(index).setData(path, data);
          };
          const settled = () => Promise.all(clients.map((one) => one.settled(paths[0] as string)));
          const limits = { outstanding, mostMs, mostOperations: BENCH.mostCached };
          const round = await within(`${system.name} serves a mix`, measureRound(operation, { ...limits, settled }));
          const what = { section: 'mix', operation: `${reads} % reads`, system: system.name } as const;
          recorder.add({ ...what, sizeBytes, outstanding }, round);
        });
      }
    }
  } finally {
    await Promise.all(members.flatMap(({ clients }) => clients.map((client) => client.close())));
  }
}

async function prepare(system: BenchSystem, data: Uint8Array): Promise<Member> {
  const clients = await Promise.all(Array.from({ length: BENCH.mixSessions }, () => system.connect()));
  const [first] = clients as [BenchClient];
  const root = ownRoot();
  await first.create(root, new Uint8Array());
  const paths = Array.from({ length: BENCH.nodes }, (_, index) => `${root}/n${index}`);
  await Promise.all(paths.map((path) => first.create(path, data)));
  await within(`${system.name} shows its nodes`, Promise.all(clients.map((client) => client.settled(root))));
  for (const client of clients) await client.settled(root);
  return { system, clients, paths };
}

function report(results: Results): string {
  const rows = rowsOf(results, 'mix');
  if (rows.length === 0) return '';
  const [rate, p50, p99] = [
    comparison(rows, 'perSecond', '/s'),
    medians(rows, 'p50', 'p50'),
    medians(rows, 'p99', 'p99'),
  ];
  const shown = rows.map((row) => [
    row.operation,
    String(row.outstanding),
    ...[rate, p50, p99].flatMap((columns) => columns.cells(row)),
  ]);
  return `### Throughput by share of reads

getData and setData of 1 KiB on ${BENCH.nodes} nodes by up to ${BENCH.mixSessions} sessions, each with its near-cache, so many requests on their way
together. A write counts when it is acknowledged. Latencies in ms.

${table(['mix', 'outstanding', ...rate.head, ...p50.head, ...p99.head], shown)}`;
}

function plots(results: Results): BenchPlot[] {
  const all = rowsOf(results, 'mix');
  const most = Math.max(...all.map(({ outstanding }) => outstanding));
  const rows = all.filter(({ outstanding }) => outstanding === most);
  if (rows.length < 2) return [];
  const series = systemsOf(rows).map((system) => ({
    name: systemTitles[system],
    kind: 'line' as const,
    points: rows.map((row) => [Number.parseInt(row.operation, 10), median(row, system, 'perSecond')] as const),
  }));
  const title = `Throughput by share of reads, ${most} requests on their way`;
  const axes = { x: { name: '% reads' }, y: { name: 'per second', scale: 'log' } } as const;
  return [{ name: 'mix', plot: { title, ...axes, series } }];
}

export const mix: Experiment = { parts: ['mix'], measure, report, plots };
