import { decodeAs, encode } from '@faaskeeper/protocol';
import { type ChangesInvocation, changesAnswerSchema, EVENT_TYPES, type RequestsAnswer } from '../invocations.ts';
import type { Delivery } from '../ports.ts';
import { delivery } from '../tracing.ts';
import { TRIGGER } from './bounds.ts';
import { Lane } from './lane.ts';
import type { TriggerOutside } from './ports.ts';

/** One lane for each registered watch of an instance. */
export class SinkLanes {
  readonly #outside: TriggerOutside;
  readonly #instance: string;
  readonly #onTakenOver: () => void;
  readonly #lanes = new Map<string, Lane>();
  readonly #stopping = new AbortController();

  constructor(outside: TriggerOutside, instance: string, onTakenOver: () => void) {
    this.#outside = outside;
    this.#instance = instance;
    this.#onTakenOver = onTakenOver;
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  update(registrations: RequestsAnswer['registrations']): void {
    for (const { id, removed } of registrations) {
      if (removed) void this.#retire(id);
      else this.open(id);
    }
  }

  open(registration: string): void {
    if (this.#lanes.has(registration) || this.#stopping.signal.aborted) return;
    const { logger, metrics } = this.#outside;
    if (this.#lanes.size >= TRIGGER.sinkLanes) {
      logger.error({ registration, limit: TRIGGER.sinkLanes }, 'too many registrations: this one is not served');
      return;
    }
    const lane = new Lane({
      ...this.#outside,
      metrics,
      name: 'sink',
      source: this.#outside.lane({ sink: registration }),
      post: (batch) => delivery(this.#outside.tracing, 'sink batch', batch, () => this.#post(registration, batch)),
      onTakenOver: this.#onTakenOver,
    });
    this.#lanes.set(registration, lane);
    lane.start();
  }

  /** What was before the end of a registration is still delivered for a while. */
  async #retire(registration: string): Promise<void> {
    const lane = this.#lanes.get(registration);
    if (lane === undefined) return;
    const { clock, logger } = this.#outside;
    await clock.sleep(TRIGGER.retireMs, this.#stopping.signal).catch(() => {});
    if (this.#stopping.signal.aborted) return;
    this.#lanes.delete(registration);
    await lane.stop().catch((err: unknown) => logger.warn({ err, registration }, 'a lane could not be closed'));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const lanes = [...this.#lanes.values()];
    this.#lanes.clear();
    await Promise.all(lanes.map((lane) => lane.stop()));
  }

  async #post(registration: string, batch: readonly Delivery[]): Promise<{ sequence: number; retryMs: number }> {
    const events = batch.map(({ sequence, payload }) => ({ sequence, payload }));
    const invocation: ChangesInvocation = { registration, events };
    const { functions } = this.#outside;
    const data = encode(invocation);
    const body = await functions.invoke(EVENT_TYPES.changes, this.#instance, data, TRIGGER.sinkTimeoutMs);
    return decodeAs(changesAnswerSchema, body, 'answer of the watch function');
  }
}
