import type { Results } from '../results.ts';
import type { BenchPlot } from '../scenarios/experiment.ts';
import { experiments } from '../scenarios/index.ts';
import { aims } from './aims.ts';

/** Everything of one run as Markdown; pictures are named as files of `plotsDir`, if it is given. */
export function renderReport(results: Results, plotsDir?: string): string {
  const parts = experiments.map((experiment) => {
    const text = experiment.report(results);
    const pictures = plotsDir === undefined || text === '' ? [] : (experiment.plots?.(results) ?? []);
    return [text, ...pictures.map(({ name, plot }) => `![${plot.title}](${plotsDir}/${name}.svg)`)].join('\n\n');
  });
  return `${[heading(results), aims(results), ...parts].filter((part) => part !== '').join('\n\n')}\n`;
}

export function plotsOf(results: Results): BenchPlot[] {
  return experiments.flatMap((experiment) => experiment.plots?.(results) ?? []);
}

function heading({ date, seconds, settings, machine, versions, again = [], failures = [] }: Results): string {
  const software = Object.entries(versions).map(([name, version]) => `${name} ${version.replace(/^v/, '')}`);
  const rounds = settings.rounds === 1 ? 'one round' : `median of ${settings.rounds} rounds (range in parentheses)`;
  const later = again.map((run) => `\nAgain on ${run.date} (load ${run.load.toFixed(1)}): ${run.parts.join(', ')}.`);
  later.push(...failures.map(({ part, reason }) => `\n**Not complete: ${part}** (${reason}).`));
  return `Measured on ${date} in ${seconds} s: ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, load before ${machine.load.toFixed(1)};
${software.join(', ')}; client, functions and all servers on this one machine; ${rounds}.${later.join('')}`;
}
