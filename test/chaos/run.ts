/** One run: system, clients, nemesis, and at the end what everybody sees. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Chance } from '../simulation/random.ts';
import { CHAOS } from './bounds.ts';
import { NativeSession } from './clients/native.ts';
import type { SessionListener } from './clients/session.ts';
import { WireSession } from './clients/wire.ts';
import { callsOf, type Found, type History } from './history.ts';
import type { Inject } from './nemesis/faults.ts';
import { runNemesis } from './nemesis/nemesis.ts';
import type { ChaosSystem } from './system/system.ts';
import { LIVE, QUEUE, ROOT, Workload } from './workload.ts';

export interface RunOptions {
  readonly system: ChaosSystem;
  readonly faults: ReadonlyMap<string, Inject>;
  readonly history: History;
  readonly seed: number;
  readonly clients: number;
  readonly durationMs: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface RunOutcome {
  /** After the last fault had ended, until every client was served again, ms; undefined: not within CHAOS.recoveryMs. */
  readonly recoveredMs: number | undefined;
  /** Why the end could not be looked at. */
  readonly unfinished?: string;
}

const QUIET: SessionListener = { changed: () => undefined, event: () => undefined };

export async function runChaos(options: RunOptions): Promise<RunOutcome> {
  const { system, faults, history, seed, clients, durationMs, signal, say } = options;
  await prepare(system);
  const chance = new Chance(seed);
  const enough = new AbortController();
  const loads = Array.from({ length: clients }, (_, client) => loadOf(options, chance, client, enough.signal));
  const running = Promise.all(loads.map((load) => load.run()));
  running.catch(() => undefined);
  try {
    await runNemesis({ faults, chance: chance.fork('nemesis'), history, durationMs, signal, say });
    const recoveredMs = await recovery(history, clients, signal.aborted ? CHAOS.stopMs : CHAOS.recoveryMs);
    say(
      recoveredMs === undefined ? 'not every client is served again' : `recovered after ${Math.round(recoveredMs)} ms`,
    );
    enough.abort();
    await running;
    const unfinished = await conclude(system, history, loads).then(
      () => undefined,
      (error: Error) => error.message,
    );
    return { recoveredMs, ...(unfinished === undefined ? {} : { unfinished }) };
  } finally {
    enough.abort();
    await Promise.allSettled([running, ...loads.map((load) => load.close())]);
  }
}

function loadOf(options: RunOptions, chance: Chance, client: number, signal: AbortSignal): Workload {
  const { system, history } = options;
  const own = chance.fork(`client ${client}`);
  const kind = client % 2 === 0 ? 'native' : 'gateway';
  const open = async (listener: SessionListener) => {
    const sessionTimeout = own.pick(CHAOS.sessionTimeouts);
    if (kind === 'native') return NativeSession.open({ ...(await system.native(client)), sessionTimeout }, listener);
    return WireSession.open(await system.gateway(client), sessionTimeout, listener);
  };
  return new Workload({ history, chance: own, client, kind, open, signal });
}

/** A client of its own number, which no fault is aimed at. */
const READER = 1_000;

async function prepare(system: ChaosSystem): Promise<void> {
  const reader = await NativeSession.open(await system.native(READER), QUIET);
  try {
    for (const path of [ROOT, QUEUE, LIVE]) {
      const outcome = await reader.perform({ f: 'create', path, value: '' });
      const error = outcome.type === 'ok' ? outcome.result.error : outcome.error;
      // What an earlier run left would be taken for a fault of this one.
      if (error !== undefined) throw new Error(`${path} cannot be made: ${error}. Remove ${ROOT} of an earlier run.`);
    }
  } finally {
    await reader.close();
  }
}

/** How long it took until each client had an answer to a call that it made after now. */
async function recovery(history: History, clients: number, mostMs: number): Promise<number | undefined> {
  const begun = history.now();
  const waiting = new Set(Array.from({ length: clients }, (_, client) => client));
  const started = new Set<number>();
  let at = history.entries.length;
  while (history.now() - begun < mostMs) {
    for (; at < history.entries.length; at++) {
      const entry = history.entries[at];
      if (entry?.type === 'invoke') started.add(entry.call);
      else if (entry?.type === 'ok' && started.has(entry.call)) waiting.delete(entry.client);
    }
    if (waiting.size === 0) return history.now() - begun;
    await sleep(20);
  }
  return undefined;
}

/** What is left when all is over: by living sessions, which see everything by then, and by a reader that just came. */
async function conclude(system: ChaosSystem, history: History, loads: readonly Workload[]): Promise<void> {
  await Promise.all(
    loads.map(async (load) => {
      if (load.current !== undefined) await load.perform({ f: 'read', path: ROOT, sync: true, watch: false });
    }),
  );
  const reader = await NativeSession.open(await system.native(READER), QUIET);
  try {
    await settle(reader, history, loads);
    const names = await reader.children(QUEUE);
    const queue = await readAll(
      reader,
      names.map((name) => `${QUEUE}/${name}`),
    );
    const keys = new Set(callsOf(history.entries).flatMap(({ operation }) => registersOf(operation)));
    history.add({
      type: 'final',
      queue: queue.filter((node) => 'value' in node),
      nodes: await readAll(reader, [...keys]),
    });
  } finally {
    await reader.close();
  }
}

function registersOf(operation: { f: string; path?: string; sets?: readonly { path: string }[] }): string[] {
  const paths = operation.sets?.map(({ path }) => path) ?? [operation.path ?? ''];
  return paths.filter((path) => path.startsWith(`${ROOT}/r`));
}

/** Waits until only living sessions have ephemeral nodes, and writes down how it is. */
async function settle(reader: NativeSession, history: History, loads: readonly Workload[]): Promise<void> {
  const deadline = performance.now() + CHAOS.settleMs;
  for (;;) {
    const living = loads.flatMap(({ current }) => current?.name ?? []);
    const names = await reader.children(LIVE);
    const isSettled = names.every((name) => living.includes(name));
    if (isSettled || performance.now() > deadline) {
      const there = await readAll(
        reader,
        names.map((name) => `${LIVE}/${name}`),
      );
      history.add({ type: 'ephemerals', there: there.filter((node) => 'value' in node), living });
      return;
    }
    await sleep(500);
  }
}

/** Nodes as they are; of one that is not there, the path. */
async function readAll(reader: NativeSession, paths: readonly string[]): Promise<(Found | { path: string })[]> {
  const found: (Found | { path: string })[] = [];
  const wanted = [...paths];
  const work = async () => {
    for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
      const outcome = await reader.perform({ f: 'read', path, sync: false, watch: false });
      if (outcome.type !== 'ok') throw new Error(`${path} cannot be read at the end: ${outcome.error}`);
      found.push(outcome.result.nodes[0] ?? { path });
    }
  };
  await Promise.all(Array.from({ length: CHAOS.readers }, work));
  return found;
}
