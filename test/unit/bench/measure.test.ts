import { measureQuick, measureRound, percentile, spread } from '../../bench/measure.ts';

test('a percentile is the nearest rank', () => {
  const sorted = Array.from({ length: 100 }, (_, i) => i + 1);
  expect(percentile(sorted, 0.5)).toBe(50);
  expect(percentile(sorted, 0.99)).toBe(99);
  expect(percentile([7], 0.99)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

test('a spread is median, least and most of the rounds', () => {
  expect(spread([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
  expect(spread([4, 1])).toEqual({ median: 2.5, least: 1, most: 4 });
});

test('a round ends at its count, with as many on their way as asked for', async () => {
  let running = 0;
  let most = 0;
  const indexes: number[] = [];
  const operation = async (index: number) => {
    indexes.push(index);
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running -= 1;
  };
  const round = await measureRound(operation, { outstanding: 4, mostMs: Number.POSITIVE_INFINITY, mostOperations: 10 });
  expect(round.operations).toBe(10);
  expect(indexes).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(most).toBe(4);
  expect(round).not.toHaveProperty('visiblePerSecond');
});

test('a round whose time is over has done the least number of operations', async () => {
  const limits = { outstanding: 1, mostMs: 0, mostOperations: 100, leastOperations: 7 };
  expect((await measureRound(async () => {}, limits)).operations).toBe(7);
});

test('what becomes visible later counts against the visible rate only', async () => {
  let settled = false;
  const limits = { outstanding: 1, mostMs: 0, mostOperations: 1 };
  const round = await measureRound(async () => {}, {
    ...limits,
    settled: async () => {
      settled = true;
    },
  });
  expect(settled).toBe(true);
  expect(round.visiblePerSecond).toBeLessThanOrEqual(round.perSecond);
});

test('an operation that fails ends the round', async () => {
  const limits = { outstanding: 2, mostMs: 0, mostOperations: 5 };
  await expect(measureRound(() => Promise.reject(new Error('no')), limits)).rejects.toThrow('no');
});

test('quick operations are measured in pieces', async () => {
  let count = 0;
  const operation = async () => void count++;
  const round = await measureQuick(operation, { mostMs: Number.POSITIVE_INFINITY, mostOperations: 100 });
  expect([round.operations, count]).toEqual([100, 100]);
});
