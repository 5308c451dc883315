import { ownSystems, type SystemName, systemNames, systemTitles } from '../client.ts';
import { type Round, spread } from '../measure.ts';
import type { Figure, Measurement, Results, Section } from '../results.ts';
import { figure, ratioText, spreadText } from './format.ts';

export type Metric = 'p50' | 'p99' | 'perSecond' | 'visiblePerSecond' | 'cpuMicros';
type Side = Measurement['system'];

/** The same operation on all systems. */
export interface Row {
  readonly operation: string;
  readonly sizeBytes: number | undefined;
  readonly outstanding: number;
  readonly by: ReadonlyMap<Side, Measurement>;
}

export function rowsOf(results: Results, section: Section): Row[] {
  const found = new Map<string, Row & { by: Map<Side, Measurement> }>();
  for (const one of results.measurements) {
    if (one.section !== section) continue;
    const { operation, sizeBytes, outstanding, system } = one;
    const key = `${operation}|${sizeBytes}|${outstanding}`;
    const row = found.get(key) ?? { operation, sizeBytes, outstanding, by: new Map() };
    row.by.set(system, one);
    found.set(key, row);
  }
  return [...found.values()];
}

/** undefined where nothing was measured. */
export function values(measurement: Measurement | undefined, metric: Metric): number[] | undefined {
  const found = measurement?.rounds.map((round: Round) => round[metric]).filter((value) => value !== undefined);
  return found === undefined || found.length === 0 ? undefined : found;
}

/** NaN where nothing was measured. */
export function median(row: Row | undefined, system: Side, metric: Metric): number {
  return spread(values(row?.by.get(system), metric) ?? []).median;
}

export function figuresOf(results: Results, section: Figure['section']): Figure[] {
  return (results.figures ?? []).filter((one) => one.section === section);
}

/** NaN where nothing was measured. */
export function figureOf(results: Results, section: Figure['section'], name: string, system: SystemName): number {
  const found = figuresOf(results, section).find((one) => one.name === name && one.system === system);
  return spread(found?.values ?? []).median;
}

export function systemsOf(rows: readonly Pick<Row, 'by'>[]): SystemName[] {
  return systemNames.filter((system) => rows.some(({ by }) => by.has(system)));
}

/** Columns of one metric: each system, then what ours are of ZooKeeper's. */
export function comparison(rows: readonly Row[], metric: Metric, unit: string) {
  const systems = systemsOf(rows);
  const ratios = systems.includes('zookeeper') ? ownSystems.filter((system) => systems.includes(system)) : [];
  const of = (row: Row, system: SystemName) => values(row.by.get(system), metric);
  return {
    head: [
      ...systems.map((system) => `${systemTitles[system]} ${unit}`),
      ...ratios.map((system) => (ratios.length === 1 ? 'ratio' : `ratio, ${systemTitles[system]}`)),
    ],
    cells: (row: Row) => [
      ...systems.map((system) => cell(of(row, system))),
      ...ratios.map((system) => ratioText(of(row, system), of(row, 'zookeeper'))),
    ],
  };
}

/** Columns of one metric without ranges and ratios. */
export function medians(rows: readonly Row[], metric: Metric, unit: string) {
  const systems = systemsOf(rows);
  return {
    head: systems.map((system) => `${systemTitles[system]} ${unit}`),
    cells: (row: Row) => systems.map((system) => figure(median(row, system, metric))),
  };
}

export function cell(found: readonly number[] | undefined): string {
  return found === undefined ? '–' : spreadText(found);
}

/** Figures of a section: a row for each name, a column for each system. */
export function figureColumns(results: Results, section: Figure['section'], unit = '') {
  const found = figuresOf(results, section);
  const systems = systemNames.filter((name) => found.some(({ system }) => system === name));
  const names = [...new Set(found.map(({ name }) => name))];
  const one = (name: string, system: SystemName) =>
    cell(found.find((figure) => figure.name === name && figure.system === system)?.values);
  return {
    head: systems.map((system) => `${systemTitles[system]} ${unit}`.trim()),
    rows: names.map((name) => [name, ...systems.map((system) => one(name, system))]),
  };
}
