import { setTimeout as pause } from 'node:timers/promises';
import { BENCH } from '../bounds.ts';
import type { BenchSystem, Memory } from '../client.ts';
import { Load, type LoadTarget } from '../load/load.ts';
import { within } from '../measure.ts';
import type { IdleMemory } from '../results.ts';
import { type BenchContext, ownRoot, takeTurns } from './context.ts';

const sizeBytes = 1024;

interface Member {
  readonly system: BenchSystem;
  readonly target: LoadTarget;
  readonly root: string;
}

/** ZooKeeper's clients at both systems, from a process of their own: throughput by connections and share of reads. */
export async function measureGateway(context: BenchContext): Promise<void> {
  const { options, systems, recorder, say } = context;
  if (!options.parts.has('gateway')) return;
  say('through the gateway');
  await using load = new Load();
  const members = membersOf(systems);
  const ms = options.quick ? options.roundMs : BENCH.gatewayRoundMs;
  const warmMs = options.quick ? options.roundMs : BENCH.gatewayWarmMs;
  const connections = options.quick ? BENCH.gatewayConnections.slice(0, 2) : BENCH.gatewayConnections;
  const most = Math.max(...connections);
  const mix = { nodes: BENCH.nodes, sizeBytes };
  for (const { target, root } of members) {
    await load.open(target, most);
    await load.fill(target, root, BENCH.nodes, sizeBytes);
    for (const reads of [0, 100]) await load.run(target, root, { ...mix, sessions: most, reads, ms: warmMs });
  }
  for (const reads of BENCH.gatewayReads) {
    for (const sessions of connections) {
      await takeTurns(members, options.rounds, async ({ system, target, root }) => {
        // What the round before has written is visible, and what it has outdated is cached again.
        if (reads > 0) await load.warm(target, root, mix.nodes);
        const before = await system.wire.cpuMs();
        const run = await load.run(target, root, { ...mix, sessions, reads, ms });
        await load.settle(target, root);
        const after = await system.wire.cpuMs();
        const cpu =
          before === undefined || after === undefined ? undefined : ((after - before) * 1000) / run.operations;
        const round = { ...run, ...(cpu === undefined ? {} : { cpuMicros: cpu }) };
        const what = { section: 'gateway', operation: `${reads} % reads`, system: system.name } as const;
        recorder.add({ ...what, sizeBytes, outstanding: sessions }, round);
      });
    }
  }
  for (const { target } of members) await load.close(target);
}

/** What idle sessions cost the server that their clients are connected to, and what is left of those that went. */
export async function measureIdle(context: BenchContext): Promise<IdleMemory[]> {
  const { options, systems, say } = context;
  if (!options.parts.has('memory')) return [];
  say('memory of idle sessions');
  await using load = new Load();
  const [sessions, churned] = options.quick ? [200, 200] : [BENCH.idleSessions, BENCH.churnedSessions];
  const measured: IdleMemory[] = [];
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
    measured.push({ system: system.name, sessions, before, connected, churn, after });
  }
  return measured;
}

function membersOf(systems: readonly BenchSystem[]): Member[] {
  return systems.map((system) => {
    const { host, port } = system.wire;
    return { system, target: { system: system.name, host, port }, root: ownRoot() };
  });
}
