/** Proof 2: idle, no function runs; the next write wakes them up. */
import { type Bound, boundInstance } from './support/bound.ts';
import { livingFunctionPods, metricsTexts } from './support/pods.ts';
import { figure, milliseconds, progress, quantile } from './support/run.ts';
import { until } from './support/until.ts';

const ROUNDS = Number(process.env.FAASKEEPER_E2E_ROUNDS ?? 5);
const WARM_WRITES = 300;
/** The function's window, Knative's grace, and what a loaded machine takes. */
const SCALE_DOWN_MS = 300_000;

let bound: Bound;

beforeAll(async () => {
  bound = await boundInstance('zero');
  await bound.agent.ask('open', { session: 'a', timeoutMs: 40_000 });
  await bound.agent.call('a', 'create', '/n', '0');
});

afterAll(async () => bound?.[Symbol.asyncDispose]());

async function untilZero(): Promise<void> {
  await until(
    async () => {
      const pods = await livingFunctionPods();
      if (pods.length > 0) throw new Error(`there still are ${pods.join(', ')}`);
    },
    { timeoutMs: SCALE_DOWN_MS, everyMs: 2_000 },
  );
}

test('an idle, connected client keeps no function running, and its next write succeeds', async () => {
  const cold: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    await untilZero();
    const { ms, value } = await bound.agent.ask('call', {
      session: 'a',
      method: 'setData',
      args: ['/n', String(round), round - 1],
    });
    cold.push(ms);
    progress(`round ${round}: the write took ${milliseconds(ms)} from zero`);
    expect(value).toMatchObject({ version: round });
    expect(await bound.agent.call('a', 'getData', '/n')).toMatchObject({ data: String(round) });
  }
  const state = await bound.agent.ask('state', { session: 'a' });
  expect(state).toMatchObject({ state: 'connected', past: [] });
  figure(2, `write from zero, p50 of ${ROUNDS}`, milliseconds(quantile(cold, 0.5)));
  figure(2, `write from zero, slowest of ${ROUNDS}`, milliseconds(Math.max(...cold)));
}, 1_800_000);

/** Batches that the triggers have sent to the writer, so far. */
async function sentTo(where: 'route' | 'revision'): Promise<number> {
  const line = new RegExp(`^faaskeeper_invocations_total{(?=.*function="writer")(?=.*to="${where}").*} (\\d+)`, 'm');
  const counts = (await metricsTexts('trigger')).map((text) => Number(line.exec(text)?.[1] ?? 0));
  return counts.reduce((sum, count) => sum + count, 0);
}

test('warm writes, which go to the revision itself', async () => {
  const write = { session: 'a', method: 'setData', args: ['/n', 'warm'] };
  await until(
    async () => {
      const before = await sentTo('revision');
      await bound.agent.ask('repeat', { ...write, times: 50 });
      // Other proofs have been here before.
      if ((await sentTo('revision')) === before) throw new Error('all events of the writer go to its route');
    },
    { timeoutMs: 60_000, everyMs: 500 },
  );
  const before = [await sentTo('route'), await sentTo('revision')] as const;
  const { ms } = await bound.agent.ask('repeat', { ...write, times: WARM_WRITES });
  expect((await sentTo('revision')) - before[1]).toBeGreaterThan(0.9 * WARM_WRITES);
  expect((await sentTo('route')) - before[0]).toBeLessThan(0.1 * WARM_WRITES);
  figure(2, `warm write, p50 of ${WARM_WRITES}, one after the other`, milliseconds(quantile(ms, 0.5)));
  figure(2, `warm write, p99 of ${WARM_WRITES}`, milliseconds(quantile(ms, 0.99)));
  const read = { session: 'a', method: 'getData', args: ['/n'] };
  const { ms: cached } = await bound.agent.ask('repeat', { ...read, times: WARM_WRITES });
  figure(2, 'read from the near-cache, p50', `${Math.round(quantile(cached, 0.5) * 1_000)} µs`);
});
