import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Results } from '../results.ts';
import { plotsOf, renderReport } from './tables.ts';

const begin = '<!-- bench:begin (npm run bench -- --report) -->';
const end = '<!-- bench:end -->';
/** Beside the document: its pictures, and the figures that they and the tables are made of. */
const plotsDir = 'performance';
export const resultsFile = join(plotsDir, 'results.json');

/** The document with new tables between its markers. */
export function withTables(document: string, tables: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`The document has no lines '${begin}' and '${end}'`);
  return `${document.slice(0, from + begin.length)}\n\n${tables.trim()}\n\n${document.slice(to)}`;
}

/** Writes performance.md (what is outside its markers stays), pictures and figures into a directory. */
export async function writeDocument(directory: string, results: Results): Promise<void> {
  const file = join(directory, 'performance.md');
  await mkdir(join(directory, plotsDir), { recursive: true });
  const document = await readFile(file, 'utf8').catch(() => `# Performance\n\n${begin}\n${end}\n`);
  await writeFile(file, withTables(document, renderReport(results, plotsDir)));
  // Loaded only for this: it is large.
  const { plotSvg } = await import('../../support/plots.ts');
  for (const { name, plot } of plotsOf(results)) {
    await writeFile(join(directory, plotsDir, `${name}.svg`), plotSvg(plot));
  }
  await writeFile(join(directory, resultsFile), resultsText(results));
}

/** One measurement a line, so that changes can be read. */
export function resultsText(results: Results): string {
  const fields = Object.entries(results).map(([name, value]) => {
    if (!Array.isArray(value)) return `${JSON.stringify(name)}: ${JSON.stringify(value, rounded)}`;
    return `${JSON.stringify(name)}: [\n${value.map((one) => JSON.stringify(one, rounded)).join(',\n')}\n]`;
  });
  return `{\n${fields.join(',\n')}\n}\n`;
}

const DIGITS = 5;
function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;
}

/** What an earlier run measured besides: an experiment that was measured again is replaced as a whole. */
export function merged(earlier: Results, newer: Results): Results {
  const again = new Set([
    ...newer.measurements.map((one) => `${one.section}|${one.operation.replace(/\|.*/, '')}`),
    ...(newer.figures ?? []).map(({ section }) => section),
  ]);
  const kept = earlier.measurements.filter((one) => !again.has(`${one.section}|${one.operation.replace(/\|.*/, '')}`));
  const keptFigures = (earlier.figures ?? []).filter(({ section }) => !again.has(section));
  const idle = newer.idle ?? earlier.idle;
  const parts = newer.parts ?? [];
  const before = (earlier.again ?? []).map((run) => ({
    ...run,
    parts: run.parts.filter((part) => !parts.includes(part)),
  }));
  const { children } = (again.has('children|create, child 100') ? newer : earlier).settings;
  const failures = [...(earlier.failures ?? []).filter(({ part }) => !parts.includes(part)), ...(newer.failures ?? [])];
  return {
    ...earlier,
    failures,
    settings: { ...earlier.settings, children },
    versions: { ...earlier.versions, ...newer.versions },
    parts: [...new Set([...(earlier.parts ?? []), ...parts])],
    again: [...before.filter((run) => run.parts.length > 0), { date: newer.date, load: newer.machine.load, parts }],
    measurements: [...kept, ...newer.measurements],
    figures: [...keptFigures, ...(newer.figures ?? [])],
    ...(idle === undefined ? {} : { idle }),
  };
}
