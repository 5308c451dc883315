import { TRIGGER } from '../../../functions/core/trigger/bounds.ts';
import { Precedence } from '../../../functions/core/trigger/precedence.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const settled = () => new Promise(setImmediate);

function watched() {
  const clock = new ManualClock();
  const precedence = new Precedence(clock);
  /** Whether its turn has come. */
  const wait = async () => {
    const state = { came: false };
    void precedence.turn().then(() => {
      state.came = true;
    });
    await settled();
    return state;
  };
  /** Batches of requests, one right after the other. */
  const stream = async () => {
    for (let i = 0; i <= TRIGGER.streakBatches; i++) {
      precedence.begin();
      await clock.advance(1);
      precedence.end();
    }
  };
  return { clock, precedence, wait, stream };
}

test('without requests nothing waits', async () => {
  const { wait } = watched();
  expect((await wait()).came).toBe(true);
});

test('a single batch of requests is answered first', async () => {
  const { precedence, wait } = watched();
  precedence.begin();
  const turn = await wait();
  expect(turn.came).toBe(false);
  precedence.end();
  await settled();
  expect(turn.came).toBe(true);
});

test('a batch that hangs does not hold up what is committed', async () => {
  const { clock, precedence, wait } = watched();
  precedence.begin();
  const turn = await wait();
  await clock.advance(TRIGGER.holdMs);
  expect(turn.came).toBe(true);
});

test('in a stream of requests, entries gather until there is a pause', async () => {
  const { clock, precedence, wait, stream } = watched();
  await stream();
  const turn = await wait();
  precedence.begin();
  await clock.advance(1);
  precedence.end();
  await settled();
  expect(turn.came).toBe(false);
  await clock.advance(TRIGGER.pauseMs);
  expect(turn.came).toBe(true);
});

test('a stream without a pause holds them up for a bounded time', async () => {
  const { clock, precedence, wait, stream } = watched();
  await stream();
  const turn = await wait();
  for (let passed = 0; passed < TRIGGER.holdMs; passed++) {
    expect(turn.came).toBe(false);
    precedence.begin();
    await clock.advance(1);
    precedence.end();
  }
  await settled();
  expect(turn.came).toBe(true);
});

test('after a pause, requests are no stream any more', async () => {
  const { clock, precedence, wait, stream } = watched();
  await stream();
  await clock.advance(TRIGGER.pauseMs + 1);
  precedence.begin();
  precedence.end();
  expect((await wait()).came).toBe(true);
});
