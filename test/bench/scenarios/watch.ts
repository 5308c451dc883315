import { BENCH } from '../bounds.ts';
import type { BenchClient, BenchSystem } from '../client.ts';
import { measureRound, within } from '../measure.ts';
import { sizeText, table } from '../report/format.ts';
import { comparison, medians, rowsOf } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { type BenchContext, ownRoot, payload, takeTurns } from './context.ts';
import type { Experiment } from './experiment.ts';

const sizeBytes = 1024;

interface Pair {
  readonly system: BenchSystem;
  readonly writer: BenchClient;
  readonly watcher: BenchClient;
  readonly path: string;
  onChange: () => void;
}

/** From the request of a write at one client to the event at another. */
async function measure(context: BenchContext): Promise<void> {
  const { options, systems, recorder } = context;
  const data = payload(sizeBytes);
  const pairs = await Promise.all(systems.map((system) => prepare(system, data)));
  try {
    await takeTurns(pairs, options.rounds, async (pair) => {
      const notify = async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        pair.onChange = resolve;
        const written = pair.writer.setData(pair.path, data);
        await promise;
        return written;
      };
      const round = await within(
        `${pair.system.name} tells of a change`,
        measureRound(notify, {
          outstanding: 1,
          mostMs: Number.POSITIVE_INFINITY,
          mostOperations: options.quick ? BENCH.leastOperations : BENCH.watchEvents,
        }),
      );
      recorder.add(
        { section: 'watch', operation: 'setData to event', system: pair.system.name, sizeBytes, outstanding: 1 },
        round,
      );
    });
  } finally {
    await Promise.all(pairs.flatMap(({ writer, watcher }) => [writer.close(), watcher.close()]));
  }
}

async function prepare(system: BenchSystem, data: Uint8Array): Promise<Pair> {
  const [writer, watcher] = await Promise.all([system.connect(), system.connect()]);
  const path = ownRoot();
  await writer.create(path, data);
  const pair: Pair = { system, writer, watcher, path, onChange: () => {} };
  await watcher.settled(path);
  await watcher.watch(path, () => pair.onChange());
  return pair;
}

function report(results: Results): string {
  const rows = rowsOf(results, 'watch');
  if (rows.length === 0) return '';
  const [p50, p99] = [comparison(rows, 'p50', 'p50'), medians(rows, 'p99', 'p99')];
  const shown = rows.map((row) => [
    `${row.operation}, ${sizeText(row.sizeBytes ?? 0)}`,
    ...p50.cells(row),
    ...p99.cells(row),
  ]);
  const head = ['from request to event', ...p50.head, ...p99.head];
  return `### Watch notification (ms)\n\nFrom one client's request to another client's event.\n\n${table(head, shown)}`;
}

export const watch: Experiment = { parts: ['watch'], measure, report };
