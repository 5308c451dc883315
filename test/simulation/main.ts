/** `npm run simulate`: see --help. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutants.ts';
import { install, mutantNamed } from './mutate.ts';
import { runInPool } from './pool.ts';
import type { Failure, SliceOutcome } from './slice.ts';

const HELP = `Runs the protocol core against simulated servers, one history a seed, and judges each.

  npm run simulate                          100 seeds
  npm run simulate -- --seeds N --from S    N seeds, from S on (default: 1)
  npm run simulate -- --seed S [--trace]    one seed, with its trace (always shown where it fails)
                         ... [--events]     ... and every event in it
  npm run simulate -- --mutants [--seeds N] every deliberate mistake must be caught by N seeds (default: 400) or a schedule
  npm run simulate -- --scenarios [--seed S] the schedules of docs/schedules.md, one by one
  --mutant NAME                             with this mistake in the code
  --keep-going                              does not stop at the first failure
  --workers N                               in N processes (default: one for each core)
`;

const PROGRESS_SEEDS = 1_000;
/** Violations of one seed that are shown: the rest follows from them. */
const VIOLATIONS = 20;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    scenarios: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    mutant: { type: 'string' },
    trace: { type: 'boolean', default: false },
    events: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    workers: { type: 'string', default: String(availableParallelism()) },
    help: { type: 'boolean', default: false },
  },
});
const seeds = values.seeds ?? (values.mutants ? '400' : '100');
const workers = Math.max(1, Number(values.workers));

function report({ seed, faults, violations, trace }: Failure): void {
  for (const line of trace) console.log(line);
  console.log(`\nSeed ${seed} fails (faults: ${faults.join(', ') || 'weather only'}):`);
  for (const violation of violations.slice(0, VIOLATIONS)) console.log(`  - ${violation}`);
  console.log(`Replay it with: npm run simulate -- --seed ${seed}`);
}

async function one(seed: number): Promise<boolean> {
  const { runSeed } = await import('./world.ts');
  const outcome = await runSeed(seed, { stacks: true, verbose: values.events });
  const failed = outcome.violations.length > 0;
  if (failed || values.trace || values.events) for (const line of outcome.trace) console.log(line);
  if (failed) report({ ...outcome, trace: [] });
  const { steps, calls, transactions, digest } = outcome;
  console.log(
    `Seed ${seed}: ${steps} steps, ${calls} calls, ${transactions} LOG messages, history ${digest.toString(16)}`,
  );
  return !failed;
}

/** Says how far it is, every so many seeds and at the end. */
class Progress {
  readonly #begun = performance.now();
  #done = 0;
  #calls = 0;
  #failures = 0;
  #said = -1;

  add({ done, calls, failures }: SliceOutcome): void {
    const before = this.#done;
    this.#done += done;
    this.#calls += calls;
    this.#failures += failures.length;
    if (Math.floor(this.#done / PROGRESS_SEEDS) > Math.floor(before / PROGRESS_SEEDS)) this.say();
  }

  say(): void {
    if (this.#said === this.#done) return;
    this.#said = this.#done;
    const seconds = (performance.now() - this.#begun) / 1_000;
    const pace = (this.#done / seconds).toFixed(1);
    console.log(
      `${this.#done} seeds, ${this.#calls} calls, ${this.#failures} failures, ${seconds.toFixed(0)} s, ${pace} seeds/s`,
    );
  }
}

async function many(from: number, seeds: number): Promise<boolean> {
  const { 'keep-going': keepGoing, mutant } = values;
  const progress = new Progress();
  const onSlice = (outcome: SliceOutcome) => {
    progress.add(outcome);
    if (keepGoing) for (const failure of outcome.failures) report({ ...failure, trace: [] });
  };
  const failures = await runInPool({ from, seeds, workers, keepGoing, mutant, onSlice });
  const [first] = failures;
  if (first !== undefined && !keepGoing) report(mutant === undefined ? first : { ...first, trace: [] });
  progress.say();
  return first === undefined;
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

/** What caught it; undefined: nothing did. One process a mutant: what is loaded stays loaded. */
async function catchMutant(name: string): Promise<string | undefined> {
  const args = [...process.execArgv, import.meta.filename, '--mutant', name, '--seeds', seeds, '--workers', '1'];
  const child = spawn(process.execPath, [...args, '--from', values.from], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 1) return undefined;
  const bySeed = /^Seed (\d+) fails[^\n]*\n {2}- ([^\n]*)/m.exec(output);
  return bySeed === null ? /^BROKEN {2}([^\n]*)/m.exec(output)?.[1] : `seed ${bySeed[1]}, ${bySeed[2]}`;
}

async function allMutants(): Promise<boolean> {
  const left: Mutant[] = [...MUTANTS];
  let missed = 0;
  const work = async () => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const how = await catchMutant(mutant.name);
      if (how === undefined) missed++;
      console.log(
        `${how === undefined ? 'MISSED' : 'caught'}  ${mutant.name}: ${how?.slice(0, 180) ?? mutant.because}`,
      );
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  console.log(`${MUTANTS.length - missed} of ${MUTANTS.length} mutants caught`);
  return missed === 0;
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
        : (await many(Number(values.from), Number(seeds))) &&
          (values.mutant === undefined || (await scenarios(Number(values.from))));
  process.exitCode = passed ? 0 : 1;
}
