import { changes, renderComparison } from '../../bench/report/compare.ts';
import { merged, resultsText } from '../../bench/report/document.ts';
import { renderReport } from '../../bench/report/tables.ts';
import { run } from './results.ts';

const what = { section: 'operations', operation: 'setData', system: 'faaskeeper', outstanding: 1 } as const;
const at = (...p50s: number[]) => ({
  ...what,
  rounds: p50s.map((p50) => ({ operations: 10, p50, p99: 5, perSecond: 100 })),
});

test('what lies outside the ranges of both runs is a change; more is better for rates only', () => {
  const old = run([at(1, 1.1, 1.2)]);
  expect(changes(old, run([at(2, 2.1, 2.2)]))).toEqual([
    { name: 'operations: setData, 1 at a time, faaskeeper, p50 ms', before: 1.1, after: 2.1, gain: 1.1 / 2.1 },
  ]);
  const faster = { ...at(1), rounds: at(1, 1, 1).rounds.map((round) => ({ ...round, perSecond: 300 })) };
  expect(changes(run([at(1, 1, 1)]), run([faster]))).toMatchObject([{ before: 100, after: 300, gain: 3 }]);
});

test('ranges that overlap, small changes, and what only one run has are no changes', () => {
  expect(changes(run([at(1, 1.5, 2)]), run([at(1.9, 2.5, 3)]))).toEqual([]);
  expect(changes(run([at(1, 1, 1)]), run([at(1.03, 1.03, 1.03)]))).toEqual([]);
  // One round each has no range: the change must be larger.
  expect(changes(run([at(1)]), run([at(1.2)]))).toEqual([]);
  expect(changes(run([at(1)]), run([at(1.4)]))).toHaveLength(1);
  expect(changes(run([]), run([at(1)]))).toEqual([]);
});

test('figures are compared as well, less is better', () => {
  const idle = (value: number) =>
    run([], [{ section: 'idle', name: 'memory', system: 'hybrid', values: [value, value] }]);
  expect(changes(idle(100), idle(50))).toMatchObject([{ name: 'idle: memory, hybrid', gain: 2 }]);
});

test('the comparison tells worse and better apart', () => {
  const text = renderComparison(run([at(1, 1, 1)]), run([at(2, 2, 2)]));
  expect(text).toContain('| operations: setData, 1 at a time, faaskeeper, p50 ms | 1.00 | 2.00 | 0.500× |');
  expect(text).toContain('Better: nothing');
});

test('an experiment that is measured again replaces what was known of it, and nothing else', () => {
  const earlier = run(
    [at(1), { ...at(1), section: 'watch' }],
    [{ section: 'idle', name: 'x', system: 'hybrid', values: [1] }],
  );
  const both = merged(earlier, { ...run([at(7)]), date: '2026-02-03', parts: ['setData'] });
  expect(both.measurements).toEqual([{ ...at(1), section: 'watch' }, at(7)]);
  expect(both.figures).toHaveLength(1);
  expect(renderReport(both)).toMatch(/Measured on 2026-01-02 (.|\n)*Again on 2026-02-03 \(load 0.5\): setData\./);
});

test('results are written one measurement a line and read back', () => {
  const results = run([at(1.234567), at(2)]);
  const text = resultsText(results);
  expect(text.split('\n').filter((line) => line.includes('"section"'))).toHaveLength(2);
  expect(JSON.parse(text)).toEqual({ ...results, measurements: [at(1.2346), at(2)] });
});
