/** `npm run chaos`: see --help. */
import { relative } from 'node:path';
import { chaos } from './chaos.ts';
import { ChaosUsageError, helpText, parseChaosOptions } from './options.ts';

const SAME_REQUEST_MS = 1_000;

async function main(): Promise<number> {
  const options = parseChaosOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(helpText);
    return 0;
  }
  const begun = performance.now();
  const say = (line: string) =>
    console.error(`  ${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  say(`seed ${options.seed}`);
  const outcome = await chaos(options, { say, signal: stopRequest(say) });
  for (const { title, checked, problems, undecided } of outcome.verdicts) {
    const verdict = problems.length > 0 ? 'BROKEN' : undecided === undefined ? 'holds' : `undecided (${undecided})`;
    console.log(`${verdict}  ${title} (${checked})`);
    for (const problem of problems) console.log(`  - ${problem}`);
  }
  if (outcome.recoveredMs === undefined) console.log('BROKEN  Not every client was served again after the last fault');
  if (outcome.unfinished !== undefined) console.log(`BROKEN  The end could not be read: ${outcome.unfinished}`);
  console.log(`Report: ${relative(process.cwd(), outcome.report)}/report.md`);
  return outcome.holds ? 0 : 1;
}

/** Ctrl-C or SIGTERM: no more faults; what has happened is judged. A second one ends at once. */
function stopRequest(say: (line: string) => void): AbortSignal {
  const controller = new AbortController();
  let askedAt = 0;
  const ask = () => {
    // A terminal's Ctrl-C reaches npm and us: the same request twice.
    if (controller.signal.aborted && performance.now() - askedAt > SAME_REQUEST_MS) process.exit(130);
    if (controller.signal.aborted) return;
    askedAt = performance.now();
    say('stopping');
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, ask);
  return controller.signal;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof ChaosUsageError ? error.message : error);
  process.exitCode = error instanceof ChaosUsageError ? 2 : 1;
}
// Started by operator/bin/ensure-installed.mjs over a channel, which would keep us alive.
if (process.connected) process.disconnect();
