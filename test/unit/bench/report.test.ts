import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Round } from '../../bench/measure.ts';
import { withTables } from '../../bench/report/document.ts';
import { figure, ratioText, sizeText, spreadText, table } from '../../bench/report/format.ts';
import { renderReport } from '../../bench/report/tables.ts';
import type { Results } from '../../bench/results.ts';
import { run } from './results.ts';

const round = (p50: number): Round => ({ operations: 100, p50, p99: p50 * 2, perSecond: 1000 / p50 });

test('figures have about three digits', () => {
  expect([0, -1.234, 0.00123, 0.1234, 1.234, 12.34, 12345.6, Number.NaN].map(figure)).toEqual([
    '0',
    '−1.23',
    '0.0012',
    '0.123',
    '1.23',
    '12.3',
    '12,346',
    '–',
  ]);
});

test('a figure of several rounds shows their range', () => {
  expect(spreadText([2, 1, 3])).toBe('2.00 (1.00–3.00)');
  expect(spreadText([2])).toBe('2.00');
});

test('a ratio is that of the medians, and needs both sides', () => {
  expect(ratioText([4, 1, 6], [2, 2, 2])).toBe('2.00×');
  expect(ratioText([4], undefined)).toBe('–');
});

test('sizes are told in their unit', () => {
  expect([100, 1024, 64 * 1024, 1024 * 1024].map(sizeText)).toEqual(['100 B', '1 KiB', '64 KiB', '1 MiB']);
});

test('a table is Markdown', () => {
  expect(table(['a', 'b'], [['x', '1']])).toBe('| a | b |\n| --- | ---: |\n| x | 1 |');
});

test('both systems stand in one row, with their ratio', () => {
  const what = { section: 'operations', operation: 'setData', sizeBytes: 1024, outstanding: 1 } as const;
  const report = renderReport(
    run([
      { ...what, system: 'faaskeeper', rounds: [round(4), round(3), round(5)] },
      { ...what, system: 'zookeeper', rounds: [round(1), round(1), round(1)] },
    ]),
  );
  expect(report).toContain('| setData of 1 KiB, p50, against ZooKeeper | ≤ 3× | 4.00× | **not met** |');
  expect(report).toContain('| setData | 1 KiB | 4.00 (3.00–5.00) | 1.00 (1.00–1.00) | 4.00× |');
  expect(report).toContain('2 cores of Abacus, 4 GiB, Linux 6, load before 0.5');
  expect(report).not.toContain('Watch notification');
});

test('what was not measured is left out', () => {
  expect(renderReport(run([]))).not.toContain('|');
});

test('tables are written between the markers of docs/performance.md, and nowhere else', () => {
  const document = readFileSync(join(__dirname, '../../../docs/performance.md'), 'utf8');
  const written = withTables(document, 'NEW TABLES');
  expect(written).toContain('NEW TABLES');
  expect(written.split('NEW TABLES')[0]).toBe(`${document.slice(0, document.indexOf('-->') + 3)}\n\n`);
  expect(withTables(written, 'NEW TABLES')).toBe(written);
  expect(() => withTables('no markers', '')).toThrow(/no lines/);
});

test('what the gateway does stands beside what ZooKeeper does, and against the aims', () => {
  const at = (outstanding: number, operation: string) =>
    ({ section: 'gateway', operation, sizeBytes: 1024, outstanding }) as const;
  const measurements: Results['measurements'] = [8, 32].flatMap((connections) => [
    { ...at(connections, '100 % reads'), system: 'faaskeeper', rounds: [round(connections === 8 ? 1 : 2)] },
    { ...at(connections, '100 % reads'), system: 'zookeeper', rounds: [round(1)] },
  ]);
  const MiB = 1024 * 1024;
  const memory = (resident: number, live: number) => ({ resident: resident * MiB, live: live * MiB });
  const report = renderReport({
    ...run(measurements),
    idle: [
      {
        system: 'faaskeeper',
        sessions: 1024,
        before: memory(100, 20),
        connected: memory(110, 28),
        churn: { count: 5_000, ms: 2_000 },
        after: memory(101, 20),
      },
    ],
  });
  expect(report).toContain('| 100 % reads | 32 | 500 | 1,000 | 0.500× |');
  const about = 'reads through the gateway, 8 connections and more, against ZooKeeper';
  expect(report).toContain(`| ${about} | ≥ 1× | 0.500× | **not met** |`);
  expect(report).toContain('| after, MiB | came and went | sessions/s |');
  expect(report).toContain('| gateway | resident | 100 | 110 | 10.0 | 101 | 5,000 | 2,500 |');
  expect(report).toContain('| gateway | live | 20.0 | 28.0 | 8.00 | 20.0 | 5,000 | 2,500 |');
});
