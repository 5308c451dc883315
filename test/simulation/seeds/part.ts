/** Seeds of `npm test`: histories of the whole protocol, each judged by a model of ZooKeeper. */
import { runInPool } from '../pool.ts';

/** All of them; `npm run simulate` runs as many as wanted. */
const SEEDS = Number(process.env.FAASKEEPER_SIMULATION_SEEDS ?? '3000');
/** Files that they are spread over, so that jest runs them on all cores. */
const PARTS = 4;
/** How long the seeds of one part may take before fewer have to do, ms. */
const TIME = 80_000;
/** ... but not fewer than these, and in this time: a machine that is too slow for them proves nothing. */
const LEAST_SEEDS = 600 / PARTS;
const MOST_TIME = 300_000;

/** In a process of its own: within jest's sandbox everything takes twice as long. */
export function describeSeeds(part: number): void {
  test(
    `no seed breaks a guarantee (${part} of ${PARTS})`,
    async () => {
      const seeds = Math.ceil(SEEDS / PARTS);
      const least = Math.min(seeds, LEAST_SEEDS);
      const begun = performance.now();
      let done = 0;
      // A failure is replayed with: npm run simulate -- --seed N
      const failures = await runInPool({
        from: 1 + (part - 1) * seeds,
        seeds,
        workers: 1,
        keepGoing: false,
        onSlice: (outcome) => {
          done += outcome.done;
        },
        isEnough: () => performance.now() - begun > (done < least ? MOST_TIME : TIME),
      });
      expect(failures.map(({ seed, violations }) => ({ seed, violations }))).toEqual([]);
      if (done === seeds) return;
      const seconds = Math.round((performance.now() - begun) / 1_000);
      process.stderr.write(`Simulation, part ${part}: the time allowed ${done} of ${seeds} seeds (${seconds} s).\n`);
      expect(done).toBeGreaterThanOrEqual(least);
    },
    MOST_TIME + 60_000,
  );
}
