import { setTimeout as pause } from 'node:timers/promises';
import { BENCH } from '../bounds.ts';
import { type Memory, type SystemName, systemTitles } from '../client.ts';
import { Load } from '../load/load.ts';
import { within } from '../measure.ts';
import { figure, table } from '../report/format.ts';
import type { Results } from '../results.ts';
import type { BenchContext } from './context.ts';
import type { Experiment } from './experiment.ts';
import { membersOf } from './members.ts';

/** What idle sessions cost the server that their clients are connected to, and what is left of those that went. */
async function measure({ options, systems, recorder }: BenchContext): Promise<void> {
  await using load = new Load();
  const [sessions, churned] = options.quick ? [200, 200] : [BENCH.idleSessions, BENCH.churnedSessions];
  for (const { system, target } of membersOf(systems)) {
    const memory = async (): Promise<Memory | undefined> => {
      await pause(BENCH.idleSettleMs);
      return within(`the memory of ${system.name}`, system.wire.memory());
    };
    // Code is compiled and pools have their size.
    await load.churn(target, sessions);
    const before = await memory();
    if (before === undefined) continue;
    await load.open(target, sessions);
    const connected = await memory();
    await load.close(target);
    const churn = await load.churn(target, churned);
    const after = await memory();
    if (connected === undefined || after === undefined) continue;
    recorder.idle.push({ system: system.name, sessions, before, connected, churn, after });
  }
}

const serverOf = (system: SystemName) =>
  system === 'faaskeeper' ? 'gateway' : system === 'hybrid' ? 'gateway, Hybrid' : systemTitles[system];

function report({ idle = [] }: Results): string {
  if (idle.length === 0) return '';
  const kib = (bytes: number) => figure(bytes / 1024);
  const mib = (bytes: number) => figure(bytes / 1024 / 1024);
  const rows = idle.flatMap(({ system, sessions, before, connected, churn, after }) =>
    (['resident', 'live'] as const).map((kind) => [
      serverOf(system),
      kind,
      mib(before[kind]),
      mib(connected[kind]),
      kib((connected[kind] - before[kind]) / sessions),
      mib(after[kind]),
      figure(churn.count),
      figure((churn.count / churn.ms) * 1000),
    ]),
  );
  const { sessions = 0 } = idle[0] ?? {};
  const many = `${sessions.toLocaleString('en-US')} sessions, MiB`;
  const head = [
    'server',
    'memory',
    'before, MiB',
    many,
    'per session, KiB',
    'after, MiB',
    'came and went',
    'sessions/s',
  ];
  return `### Memory of idle sessions

Of the server that clients connect to, each time after a garbage collection: "resident" is what the operating system
counts, "live" what can still be reached. "After": these sessions are closed, and more came and went, so many per second.

${table(head, rows, 2)}`;
}

export const memory: Experiment = { parts: ['memory'], measure, report };
