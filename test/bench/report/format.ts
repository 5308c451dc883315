import { type Spread, spread } from '../measure.ts';

/** Three significant digits; thousands with separators. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  if (value < 0) return `−${figure(-value)}`;
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : value >= 0.1 ? 3 : 4);
}

/** Median, and the range over the rounds if there were several: `1.29 (1.21–1.50)`. */
export function spreadText(values: readonly number[]): string {
  const { median, least, most }: Spread = spread(values);
  if (values.length < 2) return figure(median);
  return `${figure(median)} (${figure(least)}–${figure(most)})`;
}

/** `2.9×`, or – when one side is missing. */
export function ratioText(ours: readonly number[] | undefined, theirs: readonly number[] | undefined): string {
  if (ours === undefined || theirs === undefined) return '–';
  const ratio = spread(ours).median / spread(theirs).median;
  return Number.isFinite(ratio) ? `${figure(ratio)}×` : '–';
}

export function sizeText(bytes: number): string {
  if (bytes >= 1024 * 1024 && bytes % (1024 * 1024) === 0) return `${bytes / (1024 * 1024)} MiB`;
  return bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} B`;
}

/** A Markdown table; columns of figures are right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], textColumns = 1): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column < textColumns ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
