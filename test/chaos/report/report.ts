/** report.md with its plots: verdicts, counts, and what each fault did. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plotSvg } from '../../support/plots.ts';
import type { Verdict } from '../checker/index.ts';
import type { Timed } from '../history.ts';
import type { RunOutcome } from '../run.ts';
import { bandsOf, type Figures, figuresOf } from './figures.ts';

export interface ReportInput {
  readonly entries: readonly Timed[];
  readonly verdicts: readonly Verdict[];
  readonly outcome: RunOutcome;
  /** The command that was run, and what ran. */
  readonly command: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: string;
}

/** True if nothing is wrong. What could not be decided is not wrong. */
export function holds({ verdicts, outcome }: Pick<ReportInput, 'verdicts' | 'outcome'>): boolean {
  const isFinished = outcome.recoveredMs !== undefined && outcome.unfinished === undefined;
  return isFinished && verdicts.every(({ problems }) => problems.length === 0);
}

export async function writeReport(directory: string, input: ReportInput): Promise<void> {
  const figures = figuresOf(input.entries);
  const bands = bandsOf(figures.faults);
  const x = { name: 'seconds' };
  const latency = { title: 'Latency, median and slowest of each moment', y: { name: 'ms', scale: 'log' } } as const;
  await writeFile(join(directory, 'latency.svg'), plotSvg({ ...latency, x, series: figures.latency, bands }));
  const throughput = { title: 'Calls answered', y: { name: 'per second' } };
  await writeFile(join(directory, 'throughput.svg'), plotSvg({ ...throughput, x, series: figures.throughput, bands }));
  await writeFile(join(directory, 'report.md'), reportText(input, figures));
}

export function reportText({ verdicts, outcome, command, versions, machine }: ReportInput, figures: Figures): string {
  const ran = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const { recoveredMs, unfinished } = outcome;
  const ending = unfinished === undefined ? '' : ` What was left at the end could not be read: ${unfinished}`;
  const recovery =
    recoveredMs === undefined
      ? 'not every client was served again.'
      : `every client was served again within ${(recoveredMs / 1_000).toFixed(1)} s.`;
  const counts = [
    ['Calls answered', figures.ok],
    ['… with NoNode, NodeExists or BadVersion', figures.refused],
    ['Calls that failed for certain', figures.failed],
    ['Calls with unknown outcome', figures.unknown],
    ['Sessions opened', figures.sessions],
    ['Sessions expired', figures.expired],
    ['Watch events', figures.events],
  ] as const;
  return `\`${command}\`

${machine}; ${ran.join(', ')}. ${figures.seconds} s in all. After the last fault ${recovery}${ending}

### Verdicts

${table(
  ['what', 'checked', 'verdict'],
  verdicts.map(({ title, checked, problems, undecided }) => [title, String(checked), verdictText(problems, undecided)]),
)}
${problemsText(verdicts)}
### Counts

${table(
  ['what', 'number'],
  counts.map(([what, count]) => [what, String(count)]),
)}

### Faults

![Latency](latency.svg)

![Throughput](throughput.svg)

The shaded stretches are the faults, by number. *No write* is the longest time without any acknowledged write, from the
fault's begin to the next fault.

${table(
  ['', 'fault', 'what', 'from, s', 'to, s', 'no write, s', 'ended'],
  figures.faults.map(({ number, fault, detail, from, to, gapMs, ending }) => {
    return [String(number + 1), fault, detail, String(from), String(to), (gapMs / 1_000).toFixed(1), ending];
  }),
)}
`;
}

function verdictText(problems: readonly string[], undecided: string | undefined): string {
  if (problems.length > 0) return `**${problems.length} problems**`;
  return undecided === undefined ? 'holds' : `undecided: ${undecided}`;
}

function problemsText(verdicts: readonly Verdict[]): string {
  return verdicts
    .filter(({ problems }) => problems.length > 0)
    .map(({ title, problems }) => `\n**${title}**\n\n${problems.map((problem) => `- ${problem}`).join('\n')}\n`)
    .join('');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
