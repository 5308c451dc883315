import { parseBenchOptions } from '../../bench/options.ts';
import { renderReport } from '../../bench/report/tables.ts';
import { runBench } from '../../bench/run.ts';

/** It starts a whole system beside ZooKeeper, which may have to be downloaded. */
const limitMs = 180_000;

test(
  'a quick bench measures every part on both systems',
  async () => {
    const args = ['--quick', '--sizes', '1024', '--children', '1200', '--round-ms', '20', '--outstanding', '1,8'];
    const options = parseBenchOptions(args);
    if (options === 'help') throw new Error('not asked for');
    const results = await runBench(options);
    const sections = new Set(results.measurements.map(({ section, system }) => `${section} ${system}`));
    expect([...sections].sort()).toEqual([
      'children faaskeeper',
      'children zookeeper',
      'floors faaskeeper',
      'gateway faaskeeper',
      'gateway zookeeper',
      'operations faaskeeper',
      'operations zookeeper',
      'primitives faaskeeper',
      'primitives redis',
      'stages faaskeeper',
      'watch faaskeeper',
      'watch zookeeper',
    ]);
    for (const { rounds } of results.measurements) {
      for (const { operations, p50, p99 } of rounds) {
        expect(operations).toBeGreaterThan(0);
        expect(p50).toBeGreaterThan(0);
        expect(p99).toBeGreaterThanOrEqual(p50);
      }
    }
    for (const { sessions, before, churn, after } of results.idle ?? []) {
      expect([sessions, churn.count]).toEqual([200, 200]);
      expect(before.resident).toBeGreaterThan(before.live);
      expect(after.live).toBeGreaterThan(0);
    }
    expect(results.idle?.map(({ system }) => system)).toContain('faaskeeper');
    const report = renderReport(results);
    for (const title of [
      'Aims',
      'Latency',
      'Throughput',
      'gateway',
      'Memory',
      'Watch',
      'many children',
      'primitives',
      'Floors',
      'Stages',
    ]) {
      expect(report).toMatch(new RegExp(`^### .*${title}`, 'm'));
    }
  },
  limitMs,
);
