/** What the simulation promises of itself, every schedule, and a few deliberate mistakes. Its seeds are in `seeds`. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MUTANTS } from './mutants.ts';
import { mutated } from './mutate.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { runSeed } from './world.ts';

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
