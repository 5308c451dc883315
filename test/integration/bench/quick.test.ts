import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Results } from '../../bench/results.ts';

/** It starts a whole system beside ZooKeeper, which may have to be downloaded. */
const limitMs = 240_000;
const projectDir = join(import.meta.dirname, '../../..');

let directory: string;
let results: Results;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faaskeeper-bench-test-'));
  const small = ['--sizes', '1024', '--children', '1200', '--round-ms', '20', '--outstanding', '1,8'];
  const args = ['--quick', '--report', '--into', directory, '--systems', 'faaskeeper,zookeeper', ...small];
  await promisify(execFile)(process.execPath, ['--conditions=source', 'test/bench/main.ts', ...args], {
    cwd: projectDir,
  });
  results = JSON.parse(await readFile(join(directory, 'performance/results.json'), 'utf8')) as Results;
}, limitMs);

afterAll(() => rm(directory, { recursive: true, force: true }));

test('a quick report measures every experiment on each system', () => {
  const sections = new Set(results.measurements.map(({ section, system }) => `${section} ${system}`));
  const compared = ['operations', 'sustained', 'mix', 'gateway', 'watch', 'fanout', 'children', 'tree'];
  const alone = ['queues', 'floors', 'breakdown', 'instances', 'coldstart', 'primitives'];
  expect([...sections].sort()).toEqual(
    [
      ...compared.flatMap((section) => [`${section} faaskeeper`, `${section} zookeeper`]),
      ...alone.map((section) => `${section} faaskeeper`),
      'primitives redis',
      'sustained s3',
    ].sort(),
  );
  for (const { section, operation, rounds } of results.measurements) {
    for (const { operations, p50, p99 } of rounds) {
      expect(operations).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(p50);
      // A stage is a difference of two clocks.
      if (section !== 'breakdown') expect([operation, p50 > 0]).toEqual([operation, true]);
    }
  }
  const figures = new Set((results.figures ?? []).map(({ section, system }) => `${section} ${system}`));
  for (const section of ['heartbeat', 'idle', 'cost']) {
    for (const system of ['faaskeeper', 'zookeeper']) expect(figures).toContain(`${section} ${system}`);
  }
  for (const { sessions, before, churn, after } of results.idle ?? []) {
    expect([sessions, churn.count]).toEqual([200, 200]);
    expect(before.resident).toBeGreaterThan(before.live);
    expect(after.live).toBeGreaterThan(0);
  }
});

test('the report tells all of it, with pictures', async () => {
  const report = await readFile(join(directory, 'performance.md'), 'utf8');
  const titles = [...report.matchAll(/^### (.*)$/gm)].map(([, title]) => title);
  for (const title of [
    'Aims',
    'Synchronization primitives',
    'Queues',
    'Latency, one request at a time (ms)',
    'Throughput',
    'Where the time of a setData goes (p50, ms)',
    'Sustained writes',
    'Throughput by share of reads',
    'Through the gateway',
    'Watchers of one node (ms)',
    'Cold start of a function (ms)',
    'Cost',
  ]) {
    expect(titles).toContain(title);
  }
  const files = await readdir(join(directory, 'performance'));
  const pictures = [...report.matchAll(/\]\(performance\/(.*\.svg)\)/g)].map(([, name]) => name);
  expect(pictures.length).toBeGreaterThan(0);
  expect(files).toEqual(expect.arrayContaining(pictures));
  for (const name of pictures)
    expect(await readFile(join(directory, 'performance', String(name)), 'utf8')).toMatch(/^<svg/);
});

test('--compare finds nothing between a run and itself', async () => {
  const file = join(directory, 'performance/results.json');
  const args = ['--conditions=source', 'test/bench/main.ts', '--compare', file, file];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: projectDir });
  expect(stdout).toContain('Worse: nothing');
  expect(stdout).toContain('Better: nothing');
});
