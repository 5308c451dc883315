import { randomBytes } from 'node:crypto';
import type { ClientTracer } from '@faaskeeper/client';
import { waitFor } from 'faaskeeper/servers';
import { WallClock } from '../../../functions/tracing/clock.ts';
import { type Collector, startCollector } from '../../support/otlp.ts';
import { BENCH } from '../bounds.ts';
import { type OwnSystem, ownSystems, systemTitles } from '../client.ts';
import { percentiles, within } from '../measure.ts';
import { sizeText, table } from '../report/format.ts';
import { cell, median, rowsOf, values } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { startFaaSKeeper } from '../systems/faaskeeper.ts';
import { type BenchContext, ownRoot, payload } from './context.ts';
import type { BenchPlot, Experiment } from './experiment.ts';
import { type Call, type StageName, stageNames, stagesOf } from './stages.ts';

/** How long programs keep spans before they send them, ms. */
const exportMs = '100';

/** Stages that are drawn: the longest, and the sums. */
const plotted = ['queue', 'http', 'append', 'objects', 'acknowledged', 'visible'] as const satisfies StageName[];

/** A client's tracer that only remembers when its spans began and ended. */
class CallTracer implements ClientTracer {
  readonly calls: Call[] = [];
  readonly #clock = new WallClock();

  startSpan() {
    const traceId = randomBytes(16).toString('hex');
    const spanId = randomBytes(8).toString('hex');
    const begin = this.#clock.now();
    return {
      spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
      recordException: () => undefined,
      setStatus: () => undefined,
      end: () => void this.calls.push({ spanId, begin, end: this.#clock.now() }),
    };
  }
}

/** Where the time of a write goes, from the spans of one write after another on a system of its own that is traced. */
async function measure(context: BenchContext): Promise<void> {
  const writes = context.options.quick ? BENCH.leastOperations : BENCH.tracedWrites;
  for (const { name } of context.own) {
    await using collector = await startCollector();
    const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_BSP_SCHEDULE_DELAY: exportMs };
    // Its processes inherit them; nobody else is started meanwhile.
    Object.assign(process.env, traced);
    try {
      await using system = await startFaaSKeeper(await context.directory(), context.say, name);
      const tracer = new CallTracer();
      const client = await system.connectTraced(tracer);
      for (const sizeBytes of context.options.sizes) {
        const path = ownRoot();
        const data = payload(sizeBytes);
        await client.create(path, data);
        await client.settled(path);
        for (let round = 0; round < context.options.rounds; round++) {
          tracer.calls.splice(0);
          collector.clear();
          for (let write = 0; write < writes; write++) {
            await within('a traced write', client.setData(path, data));
            await within('it is visible', client.settled(path));
          }
          record(context, { name, sizeBytes, stages: await collect(collector, tracer.calls) });
        }
      }
      await client.close();
    } finally {
      for (const variable of Object.keys(traced)) delete process.env[variable];
    }
  }
}

/** The stages of those writes of which all spans have come. */
async function collect(collector: Collector, calls: readonly Call[]): Promise<Record<StageName, number>[]> {
  const complete = () => calls.flatMap((call) => stagesOf(call, collector.spans) ?? []);
  const enough = async () => {
    const { length } = complete();
    if (length < calls.length) throw new Error(`The spans of ${length} of ${calls.length} writes have come`);
  };
  await waitFor(enough, { timeoutMs: BENCH.spansMs, intervalMs: 200 });
  return complete();
}

function record(
  { recorder }: BenchContext,
  { name, sizeBytes, stages }: { name: OwnSystem; sizeBytes: number; stages: readonly Record<StageName, number>[] },
): void {
  for (const operation of Object.keys(stageNames) as StageName[]) {
    const round = { operations: stages.length, ...percentiles(stages.map((one) => one[operation])), perSecond: 0 };
    recorder.add({ section: 'breakdown', operation, system: name, sizeBytes, outstanding: 1 }, round);
  }
}

function report(results: Results): string {
  const all = rowsOf(results, 'breakdown');
  const parts = ownSystems.flatMap((system) => {
    const rows = all.filter(({ by }) => by.has(system));
    if (rows.length === 0) return [];
    const sizes = [...new Set(rows.map(({ sizeBytes }) => sizeBytes ?? 0))];
    const lines = Object.entries(stageNames).map(([stage, title]) => [
      title,
      ...sizes.map((size) => {
        const row = rows.find(({ operation, sizeBytes }) => operation === stage && sizeBytes === size);
        return cell(values(row?.by.get(system), 'p50'));
      }),
    ]);
    return [`${systemTitles[system]}:\n\n${table(['stage', ...sizes.map(sizeText)], lines)}`];
  });
  if (parts.length === 0) return '';
  return `### Where the time of a setData goes (p50, ms)

From the spans of writes, one at a time with nothing else going on (a traced system of its own; tracing itself takes a
little). Stages that follow each other; "applied" and what makes the write visible go on behind the reply.
Medians: those of the stages need not add up to that of the whole.

${parts.join('\n\n')}`;
}

function plots(results: Results): BenchPlot[] {
  const rows = rowsOf(results, 'breakdown').filter(({ by }) => by.has('faaskeeper'));
  const sizes = [...new Set(rows.map(({ sizeBytes }) => sizeBytes ?? 0))];
  if (sizes.length < 2) return [];
  const series = plotted.map((stage) => ({
    name: stageNames[stage],
    kind: 'line' as const,
    points: sizes.map((size) => {
      const row = rows.find(({ operation, sizeBytes }) => operation === stage && sizeBytes === size);
      return [size, median(row, 'faaskeeper', 'p50')] as const;
    }),
  }));
  const title = 'Stages of a setData by size';
  const axes = { x: { name: 'bytes', scale: 'log' }, y: { name: 'ms' } } as const;
  return [{ name: 'stages-by-size', plot: { title, ...axes, series } }];
}

export const breakdown: Experiment = { parts: ['breakdown'], measure, report, plots };
