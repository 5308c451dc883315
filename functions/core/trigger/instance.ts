import { decodeAs, encode, type InstanceSpec, storageKeys } from '@faaskeeper/protocol';
import {
  EVENT_TYPES,
  type RequestsInvocation,
  requestsAnswerSchema,
  TRIGGER_LOCK,
  type TransactionsInvocation,
  transactionsAnswerSchema,
} from '../invocations.ts';
import type { Delivery } from '../ports.ts';
import { readWatermark } from '../stored-watermark.ts';
import { delivery } from '../tracing.ts';
import { TRIGGER } from './bounds.ts';
import { Checkpointer } from './checkpointer.ts';
import { Hibernation } from './hibernation.ts';
import { Lane, type LaneAnswer } from './lane.ts';
import { Loader } from './loader.ts';
import { Ownership } from './ownership.ts';
import { InvocationError, type TriggerOutside } from './ports.ts';
import { Precedence } from './precedence.ts';
import { Sessions } from './sessions.ts';
import { SinkLanes } from './sink-lanes.ts';
import { Sweeper } from './sweeper.ts';

/** What exists only while this trigger owns the instance. */
interface Owned {
  readonly requests: Lane;
  readonly log: Lane;
  readonly sinks: SinkLanes;
  readonly sweeper: Sweeper;
  readonly checkpointer: Checkpointer;
  readonly loader: Loader;
  readonly hibernation: Hibernation;
}

/** The trigger's work for one instance: its lanes, sessions, sweeps and checkpoints, while it owns them. */
export class InstanceTrigger {
  readonly #outside: TriggerOutside;
  readonly #spec: InstanceSpec;
  readonly #ownership: Ownership;
  readonly #sessions: Sessions;
  readonly #halted = new Map<'request' | 'log', string>();
  #watermark = 0;
  #owned: Owned | undefined;

  /** `holder` names this trigger among its replicas. */
  constructor(outside: TriggerOutside, spec: InstanceSpec, holder: string) {
    this.#outside = outside;
    this.#spec = spec;
    this.#sessions = new Sessions(outside, spec, () => ({
      watermark: this.#watermark,
      halted: this.#halted.get('request') ?? this.#halted.get('log'),
    }));
    this.#ownership = new Ownership({
      ...outside,
      name: TRIGGER_LOCK,
      holder,
      onOwned: () => this.#begin(),
      onLost: () => this.#end(),
    });
  }

  start(): void {
    this.#ownership.start();
  }

  async stop(): Promise<void> {
    await this.#ownership.stop();
    this.#outside.metrics.forget(this.#spec.id);
  }

  /** To be called every TRIGGER.tickMs while the trigger can hear sessions. */
  tick(): void {
    if (this.#owned === undefined) return;
    const { sweeper, sinks, hibernation } = this.#owned;
    this.#sessions.tick();
    sweeper.tick();
    hibernation.tick(() => this.#sessions.isEmpty && sinks.isEmpty && !sweeper.active && this.#halted.size === 0);
  }

  /** The trigger was cut off until now: nobody is suspected for it. */
  grace(): void {
    this.#sessions.grace();
  }

  async #begin(): Promise<void> {
    const { id } = this.#spec;
    const sinks = new SinkLanes(this.#outside, id, () => this.#ownership.doubt());
    const sweeper = new Sweeper(this.#outside, this.#spec, this.#sessions);
    const checkpointer = new Checkpointer(this.#outside, id);
    const hibernation = new Hibernation(this.#outside, id);
    const loader = new Loader(this.#outside, this.#spec, {
      sessions: this.#sessions,
      sinks,
      sweeper,
      watermark: (zxid) => this.#visible(zxid),
      asleep: () => hibernation.asleep(),
      appended: (sequence) => owned.log.expect(sequence),
    });
    const owned: Owned = { ...this.#lanes(() => owned), sinks, sweeper, checkpointer, loader, hibernation };
    this.#owned = owned;
    this.#outside.metrics.owned(id, true);
    this.#outside.logger.info({}, 'the lanes of the instance are served here');
    this.#sessions.open();
    owned.requests.start();
    owned.log.start();
    loader.request();
    // A batch of the previous owner may still be with the writer: its answer will reach nobody.
    loader.request(TRIGGER.invocationTimeoutMs);
  }

  async #end(): Promise<void> {
    const owned = this.#owned;
    if (owned === undefined) return;
    this.#owned = undefined;
    owned.checkpointer.stop();
    owned.sweeper.stop();
    const stopped = await Promise.allSettled([
      owned.requests.stop(),
      owned.log.stop(),
      owned.sinks.stop(),
      owned.loader.stop(),
    ]);
    for (const result of stopped) {
      if (result.status === 'rejected') this.#outside.logger.warn({ err: result.reason }, 'a lane did not close');
    }
    this.#sessions.close();
    this.#halted.clear();
    this.#tellHalted();
    this.#outside.metrics.owned(this.#spec.id, false);
  }

  #tellHalted(): void {
    this.#outside.metrics.halted(this.#spec.id, this.#halted.size > 0);
  }

  #lanes(owned: () => Owned): Pick<Owned, 'requests' | 'log'> {
    const precedence = new Precedence(this.#outside.clock);
    const requests = async (batch: readonly Delivery[]) => {
      precedence.begin();
      try {
        return await this.#requests(batch, owned());
      } finally {
        precedence.end();
      }
    };
    const lane = (name: 'request' | 'log', post: (batch: readonly Delivery[]) => Promise<LaneAnswer>) =>
      new Lane({
        ...this.#outside,
        name,
        source: this.#outside.lane(name),
        post: async (batch) => {
          const done = await delivery(this.#outside.tracing, `${name} batch`, batch, () => post(batch));
          if (this.#halted.delete(name)) this.#tellHalted();
          return done;
        },
        onTakenOver: () => this.#ownership.doubt(),
        onFailure: (error) => {
          if (!(error instanceof InvocationError) || error.halted === undefined) return;
          this.#halted.set(name, error.halted);
          this.#tellHalted();
        },
        ...(name === 'request'
          ? { onRecovery: () => owned().loader.request() }
          : { after: () => storedSequence(this.#outside, this.#spec), turn: () => precedence.turn() }),
      });
    return {
      requests: lane('request', requests),
      log: lane('log', (batch) => this.#transactions(batch, owned())),
    };
  }

  async #requests(batch: readonly Delivery[], owned: Owned): Promise<{ sequence: number }> {
    const requests = batch.map(({ subject, payload }) => ({ subject, payload }));
    owned.hibernation.used();
    const invocation: RequestsInvocation = { watermark: this.#watermark, requests };
    const body = await this.#invoke(EVENT_TYPES.requests, encode(invocation));
    const answer = decodeAs(requestsAnswerSchema, body, 'answer of the writer');
    this.#sessions.update(answer.sessions);
    owned.sinks.update(answer.registrations);
    if (answer.timed) owned.sweeper.timed();
    owned.log.expect(answer.sequence);
    return { sequence: lastOf(batch) };
  }

  async #transactions(batch: readonly Delivery[], owned: Owned): Promise<LaneAnswer> {
    const messages = batch.map(({ sequence, payload }) => ({ sequence, payload }));
    const invocation: TransactionsInvocation = { messages };
    const body = await this.#invoke(EVENT_TYPES.transactions, encode(invocation));
    const answer = decodeAs(transactionsAnswerSchema, body, 'answer of the distributor');
    this.#visible(answer.watermark);
    if (answer.checkpointDue) owned.checkpointer.due();
    return { sequence: lastOf(batch), gatherMs: answer.gatherMs ?? 0 };
  }

  #visible(zxid: number): void {
    if (zxid <= this.#watermark) return;
    this.#watermark = zxid;
    this.#outside.metrics.watermark(this.#spec.id, zxid);
  }

  #invoke(type: string, data: Uint8Array): Promise<Uint8Array> {
    return this.#outside.functions.invoke(type, this.#spec.id, data, TRIGGER.invocationTimeoutMs);
  }
}

/** The last LOG sequence that is visible for sure. */
async function storedSequence(outside: TriggerOutside, { storagePrefix }: InstanceSpec): Promise<number> {
  const stored = await readWatermark(outside, storageKeys(storagePrefix));
  return stored?.position?.sequence ?? 0;
}

function lastOf(batch: readonly Delivery[]): number {
  return batch.at(-1)?.sequence ?? 0;
}
