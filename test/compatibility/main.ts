/** `npm run compatibility`: the own test suites of ZooKeeper's clients against gateways of fresh instances. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startInstances } from './instances.ts';
import { SUITES } from './suites.ts';

const usage = `npm run compatibility -- [flags] [${Object.keys(SUITES).join('|')} ...]
  --log PREFIX   keep the output of each suite in PREFIX<name>.log`;

/** What go-zookeeper's configurations mean: tickTime 500. */
const environment = { FAASKEEPER_MIN_SESSION_TIMEOUT: '1000', FAASKEEPER_MAX_SESSION_TIMEOUT: '30000' };

/** Curator's takes far longer and has not been run as a whole. */
const usual = ['kazoo', 'go'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { log: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});

if (values.help) console.log(usage);
else process.exitCode = await main(positionals.length === 0 ? usual : positionals);

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => SUITES[name] === undefined);
  if (unknown !== undefined) {
    console.error(`There is no suite ${unknown}.\n${usage}`);
    return 2;
  }
  await using instances = await startInstances(environment);
  let failures = 0;
  for (const name of names) {
    const { passed, skipped, failed, output } = await SUITES[name]!(instances);
    if (values.log !== undefined) await writeFile(`${values.log}${name}.log`, output);
    console.log(`${name}: ${passed} passed, ${failed.length} failed, ${skipped} skipped`);
    for (const each of failed) console.log(`  failed: ${each}`);
    // A suite that ran nothing did not start.
    failures += failed.length + (passed === 0 ? 1 : 0);
    if (passed === 0) console.log(output);
  }
  return failures === 0 ? 0 : 1;
}
