/** `npm run simulate`: see --help. */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants.ts';
import { install, mutantNamed } from './mutate.ts';
import type { Outcome } from './world.ts';

const HELP = `Runs the protocol core against simulated servers, one history a seed, and judges each.

  npm run simulate                          100 seeds
  npm run simulate -- --seeds N --from S    N seeds, from S on (default: 1)
  npm run simulate -- --seed S [--trace]    one seed, with its trace (always shown where it fails)
  npm run simulate -- --mutants [--seeds N] every deliberate mistake must be caught by N seeds (default: 100) or a schedule
  npm run simulate -- --scenarios [--seed S] the schedules of docs/schedules.md, one by one
  --mutant NAME                             with this mistake in the code
  --keep-going                              does not stop at the first failure
`;

/** Lines of the trace that a failure shows. */
const TRACE_LINES = 400;
const PROGRESS_SEEDS = 1_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    scenarios: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function report(outcome: Outcome, lines: number): void {
  for (const line of lines > 0 ? outcome.trace.slice(-lines) : []) console.log(line);
  console.log(`\nSeed ${outcome.seed} fails (faults: ${outcome.faults.join(', ') || 'weather only'}):`);
  for (const violation of outcome.violations.slice(0, 20)) console.log(`  - ${violation}`);
  console.log(`Replay it with: npm run simulate -- --seed ${outcome.seed}`);
}

async function one(seed: number): Promise<boolean> {
  const { runSeed } = await import('./world.ts');
  const outcome = await runSeed(seed);
  const failed = outcome.violations.length > 0;
  if (failed || values.trace) for (const line of outcome.trace) console.log(line);
  if (failed) report(outcome, 0);
  const { steps, calls, transactions, digest } = outcome;
  console.log(
    `Seed ${seed}: ${steps} steps, ${calls} calls, ${transactions} LOG messages, history ${digest.toString(16)}`,
  );
  return !failed;
}

async function many(from: number, count: number): Promise<boolean> {
  const { runSeed } = await import('./world.ts');
  let failures = 0;
  let calls = 0;
  const begun = performance.now();
  const progress = (done: number) => {
    const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
    console.log(`${done} seeds, ${calls} calls, ${failures} failures, ${seconds} s`);
  };
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await runSeed(seed);
    calls += outcome.calls;
    if (outcome.violations.length > 0) {
      failures++;
      report(outcome, values['keep-going'] || values.mutant !== undefined ? 0 : TRACE_LINES);
      if (!values['keep-going']) break;
    }
    if ((seed - from + 1) % PROGRESS_SEEDS === 0) progress(seed - from + 1);
  }
  progress(count);
  return failures === 0;
}

async function scenarios(seed: number): Promise<boolean> {
  const { SCENARIOS } = await import('./scenarios/index.ts');
  let failures = 0;
  for (const { number, title, play } of SCENARIOS) {
    const problem = await play(seed).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
    if (problem !== undefined) failures++;
    console.log(
      `${problem === undefined ? 'holds ' : 'BROKEN'}  ${number}. ${title}${problem === undefined ? '' : `: ${problem}`}`,
    );
  }
  return failures === 0;
}

/** One process a mutant: what is loaded stays loaded. */
async function allMutants(): Promise<boolean> {
  const missed: string[] = [];
  for (const { name, because } of MUTANTS) {
    const args = [...process.execArgv, import.meta.filename, '--mutant', name, '--seeds', values.seeds];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    const bySeed = /^Seed (\d+) fails[^\n]*\n {2}- ([^\n]*)/m.exec(output);
    const bySchedule = /^BROKEN {2}([^\n]*)/m.exec(output);
    const how = bySeed !== null ? `seed ${bySeed[1]}, ${bySeed[2]}` : bySchedule?.[1];
    const isCaught = code === 1 && how !== undefined;
    if (!isCaught) missed.push(name);
    console.log(`${isCaught ? 'caught' : 'MISSED'}  ${name}: ${isCaught ? how.slice(0, 180) : because}`);
  }
  console.log(`${MUTANTS.length - missed.length} of ${MUTANTS.length} mutants caught`);
  return missed.length === 0;
}

if (values.mutant !== undefined) install(mutantNamed(values.mutant));
if (values.help) console.log(HELP);
else {
  const passed = values.mutants
    ? await allMutants()
    : values.scenarios
      ? await scenarios(Number(values.seed ?? '1'))
      : values.seed !== undefined
        ? await one(Number(values.seed))
        : (await many(Number(values.from), Number(values.seeds))) &&
          (values.mutant === undefined || (await scenarios(Number(values.from))));
  process.exitCode = passed ? 0 : 1;
}
