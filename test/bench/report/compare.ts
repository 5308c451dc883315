import { spread } from '../measure.ts';
import type { Measurement, Results } from '../results.ts';
import { figure, sizeText, table } from './format.ts';
import { type Metric, values } from './rows.ts';

/** Less than this is no difference, whatever the ranges say. */
const LEAST_CHANGE = 0.05;
/** A change of a figure with one round each, whose range is not known, must be larger. */
const LEAST_CHANGE_OF_ONE = 0.25;
const METRICS: readonly { readonly metric: Metric; readonly title: string; readonly moreIsBetter: boolean }[] = [
  { metric: 'p50', title: 'p50 ms', moreIsBetter: false },
  { metric: 'p99', title: 'p99 ms', moreIsBetter: false },
  { metric: 'perSecond', title: 'per second', moreIsBetter: true },
  { metric: 'visiblePerSecond', title: 'visible per second', moreIsBetter: true },
  { metric: 'cpuMicros', title: 'CPU µs', moreIsBetter: false },
];

export interface Change {
  readonly name: string;
  readonly before: number;
  readonly after: number;
  /** Above 1: better. */
  readonly gain: number;
}

interface Series {
  readonly values: readonly number[];
  readonly moreIsBetter: boolean;
}

/** What differs beyond the ranges of both runs, largest loss first. */
export function changes(old: Results, now: Results): Change[] {
  const before = seriesOf(old);
  const found: Change[] = [];
  for (const [name, series] of seriesOf(now)) {
    const known = before.get(name);
    if (known === undefined) continue;
    const [was, is] = [spread(known.values), spread(series.values)];
    const apart = is.least > was.most || is.most < was.least;
    const gain = series.moreIsBetter ? is.median / was.median : was.median / is.median;
    const isOne = Math.min(known.values.length, series.values.length) < 2;
    const least = isOne ? LEAST_CHANGE_OF_ONE : LEAST_CHANGE;
    if (!apart || !(Math.abs(Math.log(gain)) > Math.log1p(least))) continue;
    found.push({ name, before: was.median, after: is.median, gain });
  }
  return found.sort((one, other) => one.gain - other.gain);
}

function seriesOf(results: Results): Map<string, Series> {
  const all = new Map<string, Series>();
  for (const one of results.measurements) {
    for (const { metric, title, moreIsBetter } of METRICS) {
      const found = values(one, metric)?.filter((value) => Number.isFinite(value) && value > 0) ?? [];
      if (found.length > 0) all.set(`${describe(one)}, ${title}`, { values: found, moreIsBetter });
    }
  }
  for (const { section, name, system, values: found } of results.figures ?? []) {
    all.set(`${section}: ${name}, ${system}`, { values: found, moreIsBetter: false });
  }
  return all;
}

function describe({ section, operation, system, sizeBytes, outstanding }: Measurement): string {
  const size = sizeBytes === undefined ? '' : ` of ${sizeText(sizeBytes)}`;
  return `${section}: ${operation.replace('|', ' ')}${size}, ${outstanding} at a time, ${system}`;
}

export function renderComparison(old: Results, now: Results): string {
  const all = changes(old, now);
  const part = (title: string, some: readonly Change[]) => {
    const rows = some.map(({ name, before, after, gain }) => [name, figure(before), figure(after), `${figure(gain)}×`]);
    return some.length === 0 ? `${title}: nothing` : `${title}:\n\n${table([title, 'before', 'after', 'gain'], rows)}`;
  };
  const slower = all.filter(({ gain }) => gain < 1);
  const faster = all.filter(({ gain }) => gain > 1).reverse();
  return `${old.date} (load ${old.machine.load.toFixed(1)}) against ${now.date} (load ${now.machine.load.toFixed(1)}); what lies within both runs' ranges is left out.

${part('Worse', slower)}

${part('Better', faster)}
`;
}
