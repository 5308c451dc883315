/** `npm run bench`: FaaSKeeper against ZooKeeper on this machine. */
import { writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { BenchUsageError, helpText, parseBenchOptions } from './options.ts';
import { writeTables } from './report/document.ts';
import { renderReport } from './report/tables.ts';
import { runBench } from './run.ts';

const document = join(import.meta.dirname, '../../docs/performance.md');

async function main(): Promise<number> {
  const options = parseBenchOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(helpText);
    return 0;
  }
  const begun = performance.now();
  const say = (line: string) =>
    console.error(`  ${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${line}`);
  const results = await runBench(options, say);
  const report = renderReport(results);
  console.log(report);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
  if (options.write) {
    await writeTables(document, report);
    console.error(`Wrote ${relative(process.cwd(), document)}`);
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof BenchUsageError ? error.message : error);
  process.exitCode = error instanceof BenchUsageError ? 2 : 1;
}
// Started by operator/bin/ensure-installed.mjs over a channel, which would keep us alive.
if (process.connected) process.disconnect();
