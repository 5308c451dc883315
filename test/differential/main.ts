/**
 * `npm run differential -- --seeds 2000 --from 1`: the same random sequences on a real ZooKeeper and on the gateway.
 * Without addresses it starts both: ZooKeeper, and a whole FaaSKeeper with its gateway.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Address } from '../support/zk-wire/index.ts';
import { compare } from './compare.ts';
import { compareMany } from './many.ts';
import { reportOf } from './report.ts';
import type { Step } from './steps.ts';
import { startGateway, startReference } from './targets.ts';

const usage = `npm run differential -- [flags]
  --seeds N              sequences (default 1000)
  --from S               the first seed (default 1)
  --parallel P           sequences at a time (default 4)
  --differences N        stop after so many (default 5)
  --reference HOST:PORT  a ZooKeeper that runs (default: one is started)
  --candidate HOST:PORT  the server under test, or several in front of one instance, separated by commas
                         (default: a FaaSKeeper with two gateways is started);
                         "zookeeper": a second ZooKeeper, which shows what is not deterministic in the test itself
  --replay FILE          instead of seeds: the steps in a file, as JSON, as a report prints them`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '4' },
    differences: { type: 'string', default: '5' },
    reference: { type: 'string' },
    candidate: { type: 'string' },
    replay: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help) console.log(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const reference = addressOf(values.reference) ?? stack.use(await startReference());
  const candidate =
    values.candidate === 'zookeeper'
      ? stack.use(await startReference())
      : (addressOf(values.candidate) ?? stack.use(await startGateway()).gateways);
  if (values.replay !== undefined) {
    const steps = JSON.parse(readFileSync(values.replay, 'utf8')) as Step[];
    const outcome = await compare({ reference, candidate }, steps);
    console.log(outcome.agree ? outcome.reference.join('\n') : reportOf({ seed: 0, steps, outcome }));
    return outcome.agree ? 0 : 1;
  }
  const begun = performance.now();
  const { done, differences } = await compareMany({
    reference,
    candidate,
    from: Number(values.from),
    seeds: Number(values.seeds),
    parallel: Number(values.parallel),
    differences: Number(values.differences),
    onDifference: (difference) => console.log(`\n${reportOf(difference)}\n`),
    onProgress: (count) => {
      if (count % 100 === 0) console.error(`${count} sequences`);
    },
  });
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  console.log(`${done} sequences from seed ${values.from} in ${seconds} s, ${differences.length} differences`);
  return differences.length === 0 ? 0 : 1;
}

function addressOf(text: string | undefined): Address[] | undefined {
  return text?.split(',').map((one) => {
    const colon = one.lastIndexOf(':');
    return { host: one.slice(0, colon), port: Number(one.slice(colon + 1)) };
  });
}
