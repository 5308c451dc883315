/** `npm run bench`: FaaSKeeper against ZooKeeper on this machine. */
import { readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type BenchOptions, BenchUsageError, helpText, parseBenchOptions } from './options.ts';
import { renderComparison } from './report/compare.ts';
import { merged, resultsFile, resultsText, writeDocument } from './report/document.ts';
import { renderReport } from './report/tables.ts';
import type { Results } from './results.ts';
import { runBench } from './run.ts';

const docs = join(import.meta.dirname, '../../docs');

async function main(): Promise<number> {
  const options = parseBenchOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(helpText);
    return 0;
  }
  const [old, now] = options.compare ?? [];
  const before = old === undefined ? undefined : await readResults(old);
  const results =
    now === undefined ? await run(before === undefined ? options : like(before, options)) : await readResults(now);
  if (before !== undefined) console.log(renderComparison(before, results));
  return results.failures === undefined || now !== undefined ? 0 : 1;
}

/** What both were asked for: the earlier run, and this one. */
function like({ parts, measurements }: Results, options: BenchOptions): BenchOptions {
  const systems = new Set<string>(measurements.map(({ system }) => system));
  return {
    ...options,
    systems: options.systems.filter((system) => systems.has(system)),
    parts: new Set([...options.parts].filter((part) => parts?.includes(part) ?? true)),
  };
}

async function run(options: BenchOptions): Promise<Results> {
  const begun = performance.now();
  const say = (line: string) =>
    console.error(`  ${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${line}`);
  const results = await runBench(options, say);
  if (options.compare === undefined) console.log(renderReport(results));
  if (options.json !== undefined) await writeFile(options.json, resultsText(results));
  if (options.report) {
    const into = options.into ?? docs;
    // What was not asked for stays as it was.
    const earlier = options.partial ? await readResults(join(into, resultsFile)).catch(() => undefined) : undefined;
    await writeDocument(into, earlier === undefined ? results : merged(earlier, results));
    console.error(`Wrote ${relative(process.cwd(), join(into, 'performance.md'))}`);
  }
  return results;
}

async function readResults(file: string): Promise<Results> {
  return JSON.parse(await readFile(file, 'utf8')) as Results;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof BenchUsageError ? error.message : error);
  process.exitCode = error instanceof BenchUsageError ? 2 : 1;
}
// Started by operator/bin/ensure-installed.mjs over a channel, which would keep us alive.
if (process.connected) process.disconnect();
