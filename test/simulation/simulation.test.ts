/** A few hundred histories of the whole protocol, each judged by a model of ZooKeeper. `npm run simulate` runs more. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MUTANTS } from './mutants.ts';
import { mutated } from './mutate.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { runSeed } from './world.ts';

const SEEDS = 300;
/** On a slow machine fewer seeds must do, ms. */
const TIME = 35_000;
const LEAST_SEEDS = 10;

test('no seed breaks a guarantee', async () => {
  const until = performance.now() + TIME;
  for (let seed = 1; seed <= SEEDS && (seed <= LEAST_SEEDS || performance.now() < until); seed++) {
    const { violations } = await runSeed(seed);
    // Replay with: npm run simulate -- --seed N
    expect({ seed, violations }).toEqual({ seed, violations: [] });
  }
}, 120_000);

test('the same seed gives the same history', async () => {
  const first = await runSeed(42);
  const second = await runSeed(42);
  expect(first.digest).toBe(second.digest);
  expect(first.trace).toEqual(second.trace);
  expect((await runSeed(43)).digest).not.toBe(first.digest);
}, 60_000);

test.each(MUTANTS)('mutant "$name" still finds its text', (mutant) => {
  expect(mutated(mutant)).toContain(mutant.replace);
});

test.each(SCENARIOS)('schedule $number: $title', async ({ play }) => await play(1), 60_000);

/** The rest of them: npm run simulate -- --mutants. */
test.each([
  'answer before the append',
  'a repeated request is done again',
  'watermark before the objects',
  'a read does not wait for the watermark',
])(
  'mutant "%s" is caught',
  async (name) => {
    const main = join(import.meta.dirname, 'main.ts');
    const args = ['--conditions=source', main, '--mutant', name, '--seeds', '30'];
    await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/Seed \d+ fails/),
    });
  },
  60_000,
);
