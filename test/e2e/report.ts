import { readFileSync, writeFileSync } from 'node:fs';
import type { Figure } from './support/run.ts';

const BEGIN = '<!-- figures: begin -->';
const END = '<!-- figures: end -->';

/** The figures as a table in Markdown. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ proof, what, value }) => `| ${proof} | ${what} | ${value} |`);
  return ['| proof | what | measured |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Replaces what stands between the two marks; rows of proofs that were not run stay. */
export function writeTable(file: string, figures: readonly Figure[]): void {
  const text = readFileSync(file, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${file} has no place for figures: ${BEGIN} … ${END}`);
  const ran = new Set(figures.map(({ proof }) => proof));
  const before = rowsOf(text.slice(begin, end)).filter(({ proof }) => !ran.has(proof));
  const all = [...before, ...figures].toSorted((a, b) => a.proof - b.proof);
  writeFileSync(file, `${text.slice(0, begin)}${BEGIN}\n${table(all)}\n${text.slice(end)}`);
}

function rowsOf(text: string): Figure[] {
  return [...text.matchAll(/^\| (\d+) \| (.*?) \| (.*?) \|$/gm)].map(([, proof, what = '', value = '']) => ({
    proof: Number(proof),
    what,
    value,
  }));
}
