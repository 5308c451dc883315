import { type Delivery, type LaneSource, LaneTakenOverError } from '../ports.ts';
import { Backoff } from './backoff.ts';
import { TRIGGER } from './bounds.ts';
import type { LaneMetrics, LaneState, Timing } from './ports.ts';

/** How a function answers a batch. */
export interface LaneAnswer {
  /** Done up to here. */
  readonly sequence: number;
  /** The rest is sent again after so long. */
  readonly retryMs?: number;
  /** The next batch is worth waiting for, so long and as long as more comes. */
  readonly gatherMs?: number;
}

export interface LaneOptions extends Timing {
  /** For logs and metrics: request, log, sink. */
  readonly name: string;
  readonly source: LaneSource;
  /** Up to which sequence everything is known to be done when the lane is opened. Default: nothing is. */
  readonly after?: () => Promise<number>;
  readonly metrics: LaneMetrics;
  /** Hands a batch to its function. Throws when nothing is done. */
  readonly post: (batch: readonly Delivery[]) => Promise<LaneAnswer>;
  /** Before a batch is posted: what comes meanwhile goes with it. Default: at once. */
  readonly turn?: () => Promise<void>;
  /** The post of this batch failed; it will be repeated. */
  readonly onFailure?: (error: unknown) => void;
  /** Another owner has taken the lane over: it has ended. */
  readonly onTakenOver?: () => void;
  /** A batch got through after failures: answers before this one may have been lost. */
  readonly onRecovery?: () => void;
}

/** For what is there already. */
const NOW = AbortSignal.abort();
const WHOLE_BATCH = { messages: TRIGGER.batchMessages, bytes: TRIGGER.batchBytes } as const;

/**
 * One ordered lane: takes a batch, posts it, acknowledges it, takes the next. One batch is in flight, so order holds;
 * a failure repeats the same batch for ever, because an outage is never poison. Nothing on the way waits for a timer,
 * unless the function or `turn` asks for it.
 */
export class Lane {
  readonly #options: LaneOptions;
  readonly #stopping = new AbortController();
  #state: LaneState = 'closed';
  #running: Promise<void> | undefined;
  /** As the last answer asked for, ms. */
  #gatherMs = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get state(): LaneState {
    return this.#state;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** The input holds a message of this sequence, though the lane may not have heard of it. */
  expect(sequence: number): void {
    this.#options.source.expect(sequence);
  }

  /** Finishes the batch in flight (unless it hangs), takes no other, closes the source. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const patience = new AbortController();
    const late = this.#options.clock.sleep(TRIGGER.stopTimeoutMs, patience.signal).catch(() => {});
    await Promise.race([this.#running, late]);
    patience.abort();
    await this.#options.source.close();
    this.#become('closed');
  }

  async #run(): Promise<void> {
    const { source, clock, random, logger, metrics, name } = this.#options;
    const { signal } = this.#stopping;
    const backoff = new Backoff(random);
    while (!signal.aborted) {
      try {
        this.#become('opening');
        await source.open(await this.#options.after?.());
        for (;;) {
          this.#become('waiting');
          const batch = await this.#gather(signal);
          backoff.reset();
          await this.#deliver(batch, signal);
          if (signal.aborted) return;
        }
      } catch (err) {
        if (signal.aborted) return;
        metrics.failure(name);
        if (err instanceof LaneTakenOverError) {
          logger.warn({ err, lane: name }, 'a lane was taken over');
          this.#options.onTakenOver?.();
          return;
        }
        logger.warn({ err, lane: name, attempt: backoff.attempts }, 'a lane lost its source and opens it again');
        await clock.sleep(backoff.next(), signal).catch(() => {});
      }
    }
  }

  /** The next batch, with what comes while it was asked to be waited for. */
  async #gather(signal: AbortSignal): Promise<readonly Delivery[]> {
    const { source, clock, turn } = this.#options;
    const batch: Delivery[] = [];
    const ms = this.#gatherMs / TRIGGER.gatherParts;
    for (let part = 0; part < TRIGGER.gatherParts && ms > 0; part++) {
      await clock.sleep(ms, signal);
      // Nothing comes any more, or nothing fits.
      if (!(await this.#add(batch))) break;
    }
    if (batch.length === 0) batch.push(...(await source.next(WHOLE_BATCH, signal)));
    if (turn === undefined) return batch;
    await turn();
    await this.#add(batch);
    return batch;
  }

  /** Adds what is there and fits; false when that was nothing, or nothing else would fit. */
  async #add(batch: Delivery[]): Promise<boolean> {
    const room = roomIn(batch);
    if (room === undefined) return false;
    const more = await this.#options.source.next(room, NOW).catch((error: unknown) => {
      if (error !== NOW.reason) throw error;
      return [];
    });
    batch.push(...more);
    return more.length > 0 && roomIn(batch) !== undefined;
  }

  /** Posts until all of the batch is done, or the lane stops. */
  async #deliver(all: readonly Delivery[], signal: AbortSignal): Promise<void> {
    const { source, clock, random, metrics, name } = this.#options;
    const backoff = new Backoff(random);
    let batch = all;
    let last = batch.at(-1);
    while (last !== undefined) {
      let retryMs: number | undefined;
      this.#become('posting');
      const begun = clock.now();
      try {
        const answer = await this.#options.post(batch);
        this.#gatherMs = answer.gatherMs ?? 0;
        metrics.batch(name, batch.length, clock.now() - begun);
        if (batch[0] !== undefined && answer.sequence >= batch[0].sequence) source.acknowledge(answer.sequence);
        batch = answer.sequence >= last.sequence ? [] : batch.filter(({ sequence }) => sequence > answer.sequence);
        retryMs = answer.retryMs;
        if (backoff.attempts > 0) this.#options.onRecovery?.();
        backoff.reset();
      } catch (err) {
        this.#failed(err, batch, backoff.attempts);
      }
      last = batch.at(-1);
      if (last === undefined) return;
      this.#become('retrying');
      await clock.sleep(retryMs ?? backoff.next(), signal).catch(() => {});
      if (signal.aborted) return;
    }
  }

  #failed(err: unknown, batch: readonly Delivery[], attempt: number): void {
    const { logger, metrics, name, onFailure } = this.#options;
    metrics.failure(name);
    logger.warn(
      { err, lane: name, attempt, messages: batch.length, sequence: batch.at(-1)?.sequence },
      'a batch failed and is sent again',
    );
    onFailure?.(err);
  }

  #become(state: LaneState): void {
    if (state === this.#state) return;
    this.#options.metrics.state(this.#options.name, this.#state, state);
    this.#state = state;
  }
}

/** undefined: it is full. */
function roomIn(batch: readonly Delivery[]): { messages: number; bytes: number } | undefined {
  const messages = WHOLE_BATCH.messages - batch.length;
  const bytes = batch.reduce((left, { payload }) => left - payload.length, WHOLE_BATCH.bytes);
  return messages > 0 && bytes > 0 ? { messages, bytes } : undefined;
}
