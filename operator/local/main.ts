/** `npm start`: one FaaSKeeper on this machine, until Ctrl-C. */
import { ServerError } from '../servers/index.ts';
import { HomeError, UsageError } from './errors.ts';
import { helpText } from './flags.ts';
import { parseSettings } from './options.ts';
import { type LocalFaaSKeeper, startLocal } from './start.ts';
import { welcome } from './welcome.ts';

/** A terminal's Ctrl-C reaches npm and us: the same request twice. Later ones mean impatience. */
const sameRequestMs = 1_000;

const begun = performance.now();
const say = (line: string) =>
  console.log(`  ${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${line}`);

async function main(): Promise<number> {
  const settings = parseSettings(process.argv.slice(2));
  if (settings === 'help') {
    console.log(helpText());
    return 0;
  }
  console.log(`Starting FaaSKeeper (data in ${settings.home})`);
  const asked = stopRequest();
  let local: LocalFaaSKeeper;
  try {
    local = await startLocal({ ...settings, onEvent: say, signal: asked });
  } catch (error) {
    if (!asked.aborted) throw error;
    console.log('Stopped before it was ready.');
    return 0;
  }
  if (!asked.aborted) {
    console.log(welcome(local));
    await new Promise((resolve) => asked.addEventListener('abort', resolve));
  }
  console.log('\nStopping …');
  await local.stop();
  console.log('FaaSKeeper has stopped; its data stays.');
  return 0;
}

/** Aborts on Ctrl-C, SIGTERM, or when the process that started us is gone. A second request ends us at once. */
function stopRequest(): AbortSignal {
  const controller = new AbortController();
  let askedAt = 0;
  const ask = () => {
    if (controller.signal.aborted && performance.now() - askedAt > sameRequestMs) process.exit(130);
    if (!controller.signal.aborted) askedAt = performance.now();
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, ask);
  if (process.connected) process.once('disconnect', ask);
  return controller.signal;
}

/** Errors whose message says it all; of others the stack is shown. */
function isExpected(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isExpected);
  return error instanceof ServerError || error instanceof HomeError || error instanceof UsageError;
}

try {
  process.exitCode = await main();
  if (process.connected) process.disconnect();
} catch (error) {
  console.error(isExpected(error) ? `\n${(error as Error).message}` : error);
  process.exit(error instanceof UsageError ? 2 : 1);
}
