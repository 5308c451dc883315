/**
 * The gateway agrees with a real ZooKeeper on random sequences, reply by reply. This is the short form of
 * `npm run differential -- --seeds 2000`.
 */
import { compareMany } from '../../differential/many.ts';
import { reportOf } from '../../differential/report.ts';
import { startReference } from '../../differential/targets.ts';
import { startTestGateway } from '../../support/gateway.ts';
import { has } from '../../support/programs.ts';

const seeds = 60;
const budgetMs = 60_000;
const withJava = has('java', '-version') ? test : test.skip;

withJava(
  'random sequences get the same answers from ZooKeeper and from the gateway (needs java)',
  async () => {
    await using reference = await startReference();
    await using candidate = await startTestGateway();
    const { done, differences } = await compareMany({
      reference,
      candidate,
      from: 1,
      seeds,
      budgetMs,
      differences: 2,
      shrinkAttempts: 60,
    });
    expect(differences.map(reportOf)).toEqual([]);
    expect(done).toBeGreaterThan(10);
  },
  3 * budgetMs,
);
