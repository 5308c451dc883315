import { type InstanceSpec, instanceSpecSchema, type Operation, subjects } from '@faaskeeper/protocol';
import * as v from 'valibot';
import { SimClient } from '../client.ts';
import { type Ended, endAndJudge, MAX_STEPS } from '../ending.ts';
import { Programs } from '../functions.ts';
import { type Action, type CallRecord, History } from '../history.ts';
import { Scheduler } from '../scheduler.ts';
import { Surroundings } from '../surroundings.ts';
import { shrinkBounds } from '../world.ts';

/** How long a scenario waits for what must come, ms of virtual time. */
const PATIENCE_MS = 60_000;

/** A world in which nothing happens by chance: a scenario tells what does. */
export class Stage implements Ended {
  readonly scheduler: Scheduler;
  readonly surroundings: Surroundings;
  readonly programs: Programs;
  readonly history: History;
  readonly clients: SimClient[] = [];
  readonly names = subjects('sim');

  constructor(seed: number, options: { checkpointMessages?: number; userStorage?: { type: 'Hybrid' } } = {}) {
    shrinkBounds();
    const spec: InstanceSpec = v.parse(instanceSpecSchema, {
      id: 'sim',
      storagePrefix: 'sim/',
      sessions: { minTimeout: 1_000, maxTimeout: 40_000 },
      containerCheckInterval: 2_000,
      ...options,
    });
    this.scheduler = new Scheduler(seed);
    this.surroundings = new Surroundings(this.scheduler, spec);
    this.programs = new Programs(this.surroundings);
    this.history = new History(this.surroundings);
  }

  /** @throws when it does not come true in time. */
  async until(done: () => boolean, what: string, patienceMs: number = PATIENCE_MS): Promise<void> {
    const ended = await this.scheduler.run(done, { until: this.scheduler.now + patienceMs, steps: MAX_STEPS });
    if (ended !== 'done') throw new Error(`It never came to this: ${what}`);
  }

  async wait(ms: number): Promise<void> {
    await this.scheduler.run(() => false, { until: this.scheduler.now + ms, steps: MAX_STEPS });
  }

  /** A client with a session. */
  async client(
    name: string,
    options: { timeout?: number; attach?: SimClient; cache?: boolean } = {},
  ): Promise<SimClient> {
    const { timeout = 4_000, cache = true, ...rest } = options;
    const client = SimClient.open(this.surroundings, this.history, { name, timeout, cache, ...rest });
    this.clients.push(client);
    await this.until(() => client.ready, `${name} has a session`);
    return client;
  }

  /** Does it, and waits for what comes of it. */
  async do(client: SimClient, action: Action | Operation): Promise<CallRecord> {
    const call = client.do('type' in action ? { kind: 'write', operation: action } : action);
    await this.until(() => call.returned !== undefined, 'the call is answered');
    return call;
  }

  /** @throws when anything is wrong with the history. */
  async end(): Promise<void> {
    const violations = await endAndJudge(this);
    if (violations.length > 0) throw new Error(violations.join('\n'));
  }
}

export const read = (what: 'exists' | 'getData' | 'getChildren', path: string, watch = false): Action => ({
  kind: 'read',
  what,
  path,
  watch,
});

/** @throws when it is not so. */
export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`It should be so, but is not: ${what}`);
}
