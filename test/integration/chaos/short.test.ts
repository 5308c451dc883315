import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chaos } from '../../chaos/chaos.ts';

/** What a short run has to have done to count. */
const LEAST_CALLS = 100;

test('killed and paused processes and a wiped Redis break no promise to any client', async () => {
  const report = await mkdtemp(join(tmpdir(), 'faaskeeper-chaos-test-'));
  try {
    const said: string[] = [];
    const outcome = await chaos(
      {
        durationMs: 10_000,
        seed: 3,
        faults: ['kill', 'pause', 'wipe'],
        clients: 4,
        topology: 'single',
        report,
        keep: false,
        cluster: undefined,
      },
      { say: (line) => said.push(line), signal: AbortSignal.timeout(60_000) },
    );
    const problems = outcome.verdicts.flatMap(({ title, problems }) => problems.map((text) => `${title}: ${text}`));
    expect([problems, outcome.unfinished]).toEqual([[], undefined]);
    expect(outcome.recoveredMs).toBeDefined();
    const answered = outcome.history.entries.filter(({ type }) => type === 'ok');
    expect(answered.length).toBeGreaterThan(LEAST_CALLS);
    const faults = outcome.history.entries.filter((entry) => entry.type === 'fault' && entry.phase === 'start');
    expect(faults.length).toBeGreaterThanOrEqual(3);
    expect(await readFile(join(report, 'report.md'), 'utf8')).toContain('### Verdicts');
  } finally {
    await rm(report, { recursive: true, force: true });
  }
}, 120_000);
