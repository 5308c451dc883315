import { setTimeout as pause } from 'node:timers/promises';
import { BENCH } from '../bounds.ts';
import { Load } from '../load/load.ts';
import { table } from '../report/format.ts';
import { figureColumns } from '../report/rows.ts';
import type { Results } from '../results.ts';
import type { BenchContext } from './context.ts';
import type { Experiment } from './experiment.ts';
import { membersOf } from './members.ts';

const nameOf = (sessions: number) => `${sessions.toLocaleString('en-US')} sessions`;

/** What connected sessions cost that do nothing but stay alive: CPU of all processes of a system. */
async function measure({ systems, options, recorder }: BenchContext): Promise<void> {
  await using load = new Load();
  const windowMs = options.quick ? BENCH.idleSettleMs : BENCH.idleMs;
  for (const sessions of options.quick ? BENCH.heartbeatSessions.slice(1, 2) : BENCH.heartbeatSessions) {
    for (const { system, target } of membersOf(systems)) {
      await load.open(target, sessions);
      await pause(BENCH.idleSettleMs);
      const before = await system.wire.cpuMs();
      await pause(windowMs);
      const after = await system.wire.cpuMs();
      await load.close(target);
      if (before === undefined || after === undefined) continue;
      const figure = { section: 'heartbeat', name: nameOf(sessions), system: system.name } as const;
      recorder.figure(figure, ((after - before) / windowMs) * 1000);
    }
  }
}

function report(results: Results): string {
  const { head, rows } = figureColumns(results, 'heartbeat', 'ms/s');
  if (rows.length === 0) return '';
  return `### Connected sessions that do nothing

CPU time of all processes of a system, in ms a second, with so many sessions of ZooKeeper's clients that do nothing but
stay alive (a ping every 8 s). No function is invoked for them: gateway and trigger keep the beats.

${table(['connected', ...head], rows)}`;
}

export const heartbeat: Experiment = { parts: ['heartbeat'], measure, report };
