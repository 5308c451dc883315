import { type InstanceSpec, instanceSpecSchema } from '@faaskeeper/protocol';
import * as v from 'valibot';
import { BOUNDS } from '../../functions/core/bounds.ts';
import { TRIGGER } from '../../functions/core/trigger/index.ts';
import { SimClient } from './client.ts';
import { endAndJudge, MAX_STEPS } from './ending.ts';
import { Programs } from './functions.ts';
import { History } from './history.ts';
import { Nemesis } from './nemesis.ts';
import type { Chance } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { Surroundings } from './surroundings.ts';
import { drawTaste, type Taste, Workload } from './workload.ts';

/** How long faults go on, ms of virtual time. */
const FAULTS_MS = { least: 5_000, most: 40_000 } as const;

/** How long a client that does not stay for ever uses a session, ms. */
const LIFETIME_MS = 10_000;

/** What a writer remembers between batches: all of a small world, or less than a batch needs. */
const FORGETFUL = { no: { knownNodes: 1_000, knownValues: 1_000 }, yes: { knownNodes: 3, knownValues: 2 } } as const;

/**
 * Bounds of the core that make a small world meet what only a large one would: chunks of children, sweeps. What is
 * deleted for good still outlives every process that stands still.
 */
export function shrinkBounds(): void {
  Object.assign(BOUNDS as Record<string, number>, {
    inlineNames: 4,
    inlineAgain: 2,
    chunkNames: 4,
    chunkFill: 3,
    chunkLow: 1,
    leadMs: 4_000,
    tombstoneMs: 40_000,
    holdMs: 60_000,
    logPageFirst: 2,
    ...FORGETFUL.no,
  });
  Object.assign(TRIGGER as Record<string, number>, {
    invocationTimeoutMs: 6_000,
    forgetAfterMs: 20_000,
    hibernateAfterMs: 1_000,
  });
}

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly digest: number;
  readonly steps: number;
  /** Virtual time, ms. */
  readonly time: number;
  readonly calls: number;
  readonly transactions: number;
  readonly faults: readonly string[];
  readonly trace: readonly string[];
}

/**
 * Runs one history from its seed, and judges it. Errors are part of everyday life in it: without `stacks` none says where
 * it was made, which would take a fifth of the time.
 */
export async function runSeed(seed: number, { stacks = false, verbose = false } = {}): Promise<Outcome> {
  shrinkBounds();
  const limit = Error.stackTraceLimit;
  if (!stacks) Error.stackTraceLimit = 0;
  try {
    const world = new World(seed);
    world.scheduler.isVerbose = verbose;
    return await world.run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function drawSpec(chance: Chance): InstanceSpec {
  return v.parse(instanceSpecSchema, {
    id: 'sim',
    storagePrefix: 'sim/',
    sessions: { minTimeout: 1_000, maxTimeout: 10_000 },
    containerCheckInterval: 2_000,
    checkpointMessages: chance.happens(0.7) ? 5 + chance.below(40) : 10_000,
    // Some data is short enough for a record, some is not.
    ...(chance.happens(0.25) ? { userStorage: { type: 'Hybrid', thresholdBytes: 10 } } : {}),
  });
}

/** One simulated instance with its clients. */
export class World {
  readonly scheduler: Scheduler;
  readonly surroundings: Surroundings;
  readonly programs: Programs;
  readonly history: History;
  readonly nemesis: Nemesis;
  readonly clients: SimClient[] = [];
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #taste: Taste;
  #busy = true;
  #named = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.scheduler = new Scheduler(seed);
    this.#chance = this.scheduler.chance.fork('workload');
    this.surroundings = new Surroundings(this.scheduler, drawSpec(this.#chance));
    this.programs = new Programs(this.surroundings);
    this.history = new History(this.surroundings);
    this.nemesis = new Nemesis(this.surroundings, this.programs, () => this.clients);
    this.#taste = drawTaste(this.#chance);
    if (this.#chance.happens(0.3)) Object.assign(BOUNDS, FORGETFUL.yes);
  }

  async run(): Promise<Outcome> {
    const { scheduler } = this;
    const faultsUntil = this.#chance.between(FAULTS_MS.least, FAULTS_MS.most);
    this.programs.startTrigger();
    if (this.#chance.happens(0.3)) this.programs.startTrigger();
    this.nemesis.start();
    const count = 1 + this.#chance.below(4);
    for (let i = 0; i < count; i++) this.#startClient(i);
    await scheduler.run(() => false, { until: faultsUntil, steps: MAX_STEPS });
    this.#busy = false;
    this.nemesis.heal();
    const violations = await endAndJudge(this);
    return this.#outcome(violations);
  }

  #outcome(violations: readonly string[]): Outcome {
    const { scheduler, history, surroundings, nemesis } = this;
    return {
      seed: this.#seed,
      violations,
      digest: scheduler.digest,
      steps: scheduler.steps,
      time: scheduler.now,
      calls: history.sessions.reduce((sum, { calls }) => sum + calls.length, 0),
      transactions: surroundings.log.last,
      faults: nemesis.faults,
      trace: scheduler.trace,
    };
  }

  /** A client, and another one when that is over, as long as the history goes on. */
  #startClient(slot: number, attach?: SimClient): void {
    const timeout = this.#chance.between(1_000, 8_000);
    const name = `client-${++this.#named}`;
    const options = { name, timeout: Math.floor(timeout), cache: this.#chance.happens(0.7) };
    const client = SimClient.open(
      this.surroundings,
      this.history,
      attach === undefined ? options : { ...options, attach },
    );
    this.clients.push(client);
    void this.#drive(slot, client);
  }

  async #drive(slot: number, client: SimClient): Promise<void> {
    const chance = this.#chance.fork(client.process.name);
    const workload = new Workload(chance, this.#taste, client.process.name);
    const { scheduler } = this;
    const think = chance.fraction() ** 2 * 1_000;
    const lifetime = chance.happens(0.3) ? LIFETIME_MS : Number.POSITIVE_INFINITY;
    let end = scheduler.now + chance.around(lifetime);
    for (;;) {
      await scheduler.sleep(chance.around(think) + 1, 'think');
      if (!this.#busy) return;
      if (client.over) break;
      if (!client.ready || client.process.paused) continue;
      if (scheduler.now >= end) {
        if (chance.happens(0.3)) {
          if (chance.happens(0.3)) client.process.crash();
          this.#startClient(slot, client);
          // Both go on: neither hears of the other for sure, and each may take the session back.
          end += chance.around(LIFETIME_MS);
          continue;
        }
        client.do({ kind: 'write', operation: { type: 'closeSession' } });
        break;
      }
      const burst = chance.happens(0.2) ? 1 + chance.below(8) : 1;
      for (let i = 0; i < burst && client.outstanding < 20; i++) client.do(workload.next());
    }
    await scheduler.sleep(chance.around(2_000), 'think');
    if (this.#busy) this.#startClient(slot);
  }
}
