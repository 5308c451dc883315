/**
 * The gateway agrees with a real ZooKeeper on random sequences, reply by reply. This is the short form of
 * `npm run differential -- --seeds 2000`.
 */
import { compare } from '../../differential/compare.ts';
import { corners } from '../../differential/corners.ts';
import { compareMany } from '../../differential/many.ts';
import { reportOf } from '../../differential/report.ts';
import { candidateInstance, startReference, type Target } from '../../differential/targets.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { has } from '../../support/programs.ts';

const seeds = 60;
const budgetMs = 60_000;
const withJava = has('java', '-version') ? describe : describe.skip;

withJava('ZooKeeper and the gateway give the same answers (needs java)', () => {
  let reference: Target;
  let candidate: TestGateway;

  beforeAll(async () => {
    [reference, candidate] = await Promise.all([
      startReference(),
      startTestGateway({ gateways: 2, instance: candidateInstance }),
    ]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([reference?.stop(), candidate?.stop()]);
  });

  const agree = async (name: string) => {
    const steps = corners[name]!;
    const outcome = await compare({ reference, candidate: candidate.gateways }, steps);
    expect(outcome.agree ? '' : reportOf({ seed: 0, steps, outcome })).toBe('');
  };

  test.each(Object.keys(corners))('to %s', agree);

  test(
    'to random sequences',
    async () => {
      const few = { differences: 2, shrinkAttempts: 60 };
      const { done, differences } = await compareMany({
        reference,
        candidate: candidate.gateways,
        from: 1,
        seeds,
        budgetMs,
        ...few,
      });
      expect(differences.map(reportOf)).toEqual([]);
      expect(done).toBeGreaterThan(10);
    },
    3 * budgetMs,
  );
});
