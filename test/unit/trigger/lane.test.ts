import { type Delivery, LaneTakenOverError } from '../../../functions/core/ports.ts';
import { TRIGGER } from '../../../functions/core/trigger/bounds.ts';
import { Lane, type LaneOptions } from '../../../functions/core/trigger/index.ts';
import { ManualClock, settled, steadyRandom } from '../../support/manual-clock.ts';
import { FakeLane, message, silentLogger, silentMetrics } from './fakes.ts';

const clock = new ManualClock();

function lane(source: FakeLane, over: Partial<LaneOptions>): Lane {
  const post = async (batch: readonly Delivery[]) => ({ sequence: batch.at(-1)?.sequence ?? 0 });
  return new Lane({
    name: 'request',
    source,
    clock,
    random: steadyRandom,
    logger: silentLogger,
    metrics: silentMetrics,
    post,
    ...over,
  });
}

const sequences = (batch: readonly Delivery[]) => batch.map(({ sequence }) => sequence);

test('what waits while a batch is posted goes with the next one, at once', async () => {
  const source = new FakeLane();
  const posted: number[][] = [];
  const answers: (() => void)[] = [];
  const tried = lane(source, {
    post: async (batch) => {
      posted.push(sequences(batch));
      await new Promise<void>((resolve) => answers.push(resolve));
      return { sequence: batch.at(-1)?.sequence ?? 0 };
    },
  });
  tried.start();
  source.put(message(1));
  await settled();
  source.put(message(2), message(3));
  await settled();
  expect(posted).toEqual([[1]]);
  expect(source.acknowledged).toEqual([]);
  answers.shift()?.();
  await settled();
  expect(source.acknowledged).toEqual([1]);
  expect(posted).toEqual([[1], [2, 3]]);
  expect(clock.sleeping).toBe(0);
  answers.shift()?.();
  await tried.stop();
});

test('a failing batch is posted again, alone and for ever, and nothing overtakes it', async () => {
  const source = new FakeLane();
  const posted: number[][] = [];
  let failures = 50;
  let recovered = 0;
  const tried = lane(source, {
    post: async (batch) => {
      posted.push(sequences(batch));
      if (failures-- > 0) throw new Error('out');
      return { sequence: batch.at(-1)?.sequence ?? 0 };
    },
    onRecovery: () => recovered++,
  });
  tried.start();
  source.put(message(1), message(2));
  await settled();
  source.put(message(3));
  await clock.advance(200_000);
  expect(posted).toEqual([...Array.from({ length: 51 }, () => [1, 2]), [3]]);
  expect(source.acknowledged).toEqual([2, 3]);
  expect(recovered).toBe(1);
  await tried.stop();
});

test('back-off doubles up to its bound, and starts small again for the next batch', async () => {
  const source = new FakeLane();
  const times: number[] = [];
  let fail = true;
  const tried = lane(source, {
    post: async (batch) => {
      times.push(clock.now());
      if (fail) throw new Error('out');
      return { sequence: batch.at(-1)?.sequence ?? 0 };
    },
  });
  tried.start();
  source.put(message(1));
  await clock.advance(20_000);
  const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  expect(gaps.slice(0, 3)).toEqual([15, 30, 60]);
  expect(Math.max(...gaps)).toBe(1_500);
  fail = false;
  await clock.advance(2_000);
  fail = true;
  times.length = 0;
  source.put(message(2));
  await clock.advance(30);
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(15);
  await tried.stop();
});

test('a part that is done is acknowledged, the rest is sent again after the time that the answer names', async () => {
  const source = new FakeLane();
  const posted: number[][] = [];
  const answers = [
    { sequence: 0, retryMs: 500 },
    { sequence: 2, retryMs: 700 },
    { sequence: 3, retryMs: 0 },
  ];
  const tried = lane(source, {
    post: async (batch) => {
      posted.push(sequences(batch));
      return answers.shift() ?? { sequence: 3 };
    },
  });
  tried.start();
  source.put(message(1), message(2), message(3));
  await settled();
  await clock.advance(499);
  expect(posted).toEqual([[1, 2, 3]]);
  await clock.advance(1);
  expect(posted).toEqual([
    [1, 2, 3],
    [1, 2, 3],
  ]);
  expect(source.acknowledged).toEqual([2]);
  await clock.advance(700);
  expect(posted.at(-1)).toEqual([3]);
  expect(source.acknowledged).toEqual([2, 3]);
  await tried.stop();
});

test('a source that fails is opened again; one that was taken over ends the lane', async () => {
  const source = new FakeLane();
  let takenOver = 0;
  const tried = lane(source, { onTakenOver: () => takenOver++ });
  tried.start();
  await settled();
  source.fail(new Error('the consumer is gone'));
  await clock.advance(1_000);
  expect(source.opened).toHaveLength(2);
  source.put(message(7));
  await settled();
  expect(source.acknowledged).toEqual([7]);
  source.fail(new LaneTakenOverError());
  await clock.advance(10_000);
  expect(takenOver).toBe(1);
  expect(source.opened).toHaveLength(2);
  await tried.stop();
  expect(source.closed).toBe(true);
});

test('a lane that stops finishes and acknowledges the batch in flight, and takes no other', async () => {
  const source = new FakeLane();
  let answer: (() => void) | undefined;
  const tried = lane(source, {
    post: async (batch) => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return { sequence: batch.at(-1)?.sequence ?? 0 };
    },
  });
  tried.start();
  source.put(message(1));
  await settled();
  const stopped = tried.stop();
  source.put(message(2));
  await settled();
  expect(source.closed).toBe(false);
  answer?.();
  await stopped;
  expect(source.acknowledged).toEqual([1]);
  expect(source.closed).toBe(true);
  expect(tried.state).toBe('closed');
});

describe('a batch that is worth waiting for', () => {
  function gathering(source: FakeLane, gatherMs: () => number) {
    const posted: number[][] = [];
    const tried = lane(source, {
      post: async (batch) => {
        posted.push(sequences(batch));
        return { sequence: batch.at(-1)?.sequence ?? 0, gatherMs: gatherMs() };
      },
    });
    tried.start();
    return { posted, tried };
  }

  test('gathers for as long as the answer before it said', async () => {
    const source = new FakeLane();
    const { posted, tried } = gathering(source, () => 100);
    source.put(message(1));
    await settled();
    expect(posted).toEqual([[1]]);
    for (let sequence = 2; sequence <= 8; sequence++) {
      source.put(message(sequence));
      await clock.advance(20);
    }
    expect(posted).toEqual([[1], [2, 3, 4, 5, 6]]);
    await tried.stop();
  });

  test('leaves when nothing more comes, and when it is full', async () => {
    const source = new FakeLane();
    const { posted, tried } = gathering(source, () => 100);
    source.put(message(1));
    await settled();
    source.put(message(2));
    await clock.advance(49);
    expect(posted).toEqual([[1]]);
    await clock.advance(1);
    expect(posted).toEqual([[1], [2]]);
    source.put(...Array.from({ length: TRIGGER.batchMessages }, (_, i) => message(3 + i)));
    await clock.advance(25);
    expect(posted.map((batch) => batch.length)).toEqual([1, 1, TRIGGER.batchMessages]);
    await tried.stop();
  });

  test('a lane at rest waits for nothing', async () => {
    const source = new FakeLane();
    const { posted, tried } = gathering(source, () => 100);
    source.put(message(1));
    await clock.advance(1_000);
    expect(clock.sleeping).toBe(0);
    source.put(message(2));
    await settled();
    expect(posted).toEqual([[1], [2]]);
    await tried.stop();
  });

  test('a lane that is taken over meanwhile posts nothing of it', async () => {
    const source = new FakeLane();
    const { posted, tried } = gathering(source, () => 100);
    source.put(message(1));
    await settled();
    source.put(message(2));
    await settled();
    source.fail(new LaneTakenOverError('gone'));
    await clock.advance(1_000);
    expect(posted).toEqual([[1]]);
    await tried.stop();
  });
});
