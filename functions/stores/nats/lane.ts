import { randomUUID } from 'node:crypto';
import { LIMITS, subjects } from '@faaskeeper/protocol';
import type { NatsConnection } from 'nats';
import { type Delivery, type LaneSource, LaneTakenOverError } from '../../core/ports.ts';
import { onConnectionChange, reconnectWaitMs } from './connection.ts';
import { API_ERROR, apiErrorCode } from './jetstream-api.ts';
import {
  createLaneConsumer,
  deleteConsumer,
  type LaneConsumer,
  type LaneInput,
  laneConsumers,
} from './lane-consumer.ts';
import { type PulledMessage, Puller } from './puller.ts';
import { declareStream, type StreamSpec } from './streams.ts';

/** Bounds of a lane. Times are ms. */
const BOUNDS = {
  /** What may be prefetched. */
  messages: 2_048,
  bytes: 2 * LIMITS.payloadBytes,
  pullExpires: 60_000,
  heartbeat: 5_000,
  /** Silence after which the consumer is looked at: two heartbeats and some more. */
  silence: 12_000,
  /** How long a new owner may take between deleting our consumer and creating its own. */
  takeOver: 500,
  takeOverAttempts: 5,
  /** How long opening or closing waits for acknowledgements that are under way. */
  settle: 1_000,
} as const;

/** 1 s at most, so that a server that is down costs little and is soon noticed to be back. */
const REOPEN_WAIT_FACTOR_MAX = 4;

interface Waiting extends Delivery {
  readonly reply: string;
}

/** `broken`: the consumer may be gone or have lost a message; it is being re-created. */
type LaneState = 'new' | 'open' | 'broken' | 'taken over' | 'closed';

/**
 * One lane of an instance as a JetStream consumer of its own, whose name no other owner has: what an old owner still
 * pulls can thus not take messages from the new one. Acknowledged messages are gone (REQ, SINK: work queues) or behind
 * the consumer's floor (LOG).
 *
 * A reconnect, a silent server, a gap in deliveries or a missing consumer make it create the consumer anew (and the
 * stream, where a restart has taken it: REQ is memory). Everything not acknowledged is then delivered again, in order;
 * LOG and SINK keep their sequences over a restart, so there it is filtered out what `next` has returned already.
 */
export class JetStreamLane implements LaneSource {
  readonly #connection: NatsConnection;
  readonly #spec: StreamSpec;
  readonly #input: LaneInput;
  readonly #stream: string;
  #state: LaneState = 'new';
  #puller: Puller | undefined;
  #consumer: LaneConsumer | undefined;
  /** Names of consumers that this lane created or tried to: a creation that timed out may have succeeded. */
  #ownNames = new Set<string>();
  #delivered = 0;
  #buffer: Waiting[] = [];
  #bufferBytes = 0;
  /** Returned by `next` (or about to be), not acknowledged; ascending. */
  #unacknowledged: { sequence: number; reply: string }[] = [];
  /** Highest sequence that `next` returned, and that was acknowledged. */
  #returned = 0;
  #acknowledged = 0;
  /** Added to a stream's sequences: REQ begins at 1 again after a restart, a lane's sequences only grow. */
  #base = 0;
  #highest = 0;
  /** Where the newest acknowledgement went. */
  #lastAcknowledgement: string | undefined;
  #silence: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #reopening: Promise<void> | undefined;
  #stopListening: (() => void) | undefined;

  constructor(connection: NatsConnection, spec: StreamSpec, input: LaneInput) {
    this.#connection = connection;
    this.#spec = spec;
    this.#input = input;
    const { streams } = subjects(spec.id);
    this.#stream = input === 'request' ? streams.request : input === 'log' ? streams.log : streams.sink;
  }

  async open(): Promise<void> {
    if (this.#state === 'closed') throw new Error(`The lane of ${this.#stream} is closed`);
    this.#state = 'new';
    await this.#reopening;
    this.#drop();
    this.#returned = 0;
    await this.#settle();
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#start('take over');
        break;
      } catch (error) {
        // The old owner has just created its consumer anew.
        if (attempt === BOUNDS.takeOverAttempts || !isNotUnique(error)) throw error;
        await pause(reconnectWaitMs());
      }
    }
    // What was on its way when a connection broke is lost.
    this.#stopListening ??= onConnectionChange(this.#connection, (connected) => {
      if (connected) this.#reopen(0);
    });
  }

  async next(bounds: { messages: number; bytes: number }, signal: AbortSignal): Promise<Delivery[]> {
    while (this.#buffer.length === 0) {
      signal.throwIfAborted();
      if (this.#state === 'closed' || this.#state === 'new') throw new Error(`The lane of ${this.#stream} is not open`);
      if (this.#state === 'taken over') throw new LaneTakenOverError(`${this.#stream} has a new owner`);
      await this.#arrival(signal);
    }
    let count = 0;
    let bytes = 0;
    for (const { payload } of this.#buffer) {
      if (count > 0 && (count >= bounds.messages || bytes + payload.length > bounds.bytes)) break;
      count++;
      bytes += payload.length;
    }
    const taken = this.#buffer.splice(0, count);
    this.#bufferBytes -= bytes;
    for (const { sequence, reply } of taken) this.#unacknowledged.push({ sequence, reply });
    this.#returned = Math.max(this.#returned, taken.at(-1)?.sequence ?? 0);
    this.#prefetch();
    return taken.map(({ sequence, subject, payload }) => ({ sequence, subject, payload }));
  }

  acknowledge(sequence: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, sequence);
    let count = 0;
    while ((this.#unacknowledged[count]?.sequence ?? Number.POSITIVE_INFINITY) <= sequence) count++;
    const done = this.#unacknowledged.splice(0, count);
    if (this.#connection.isClosed()) return;
    const needed = this.#input === 'log' ? done.slice(-1) : done;
    for (const { reply } of needed) this.#connection.publish(reply, '+ACK');
    this.#lastAcknowledgement = needed.at(-1)?.reply ?? this.#lastAcknowledgement;
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#stopListening?.();
    const consumer = this.#consumer;
    this.#drop();
    this.#notify();
    await this.#reopening;
    await this.#settle();
    // LOG's consumer stays: its floor is where the next owner begins.
    if (consumer === undefined || this.#input === 'log' || this.#connection.isClosed()) return;
    await deleteConsumer(this.#connection, this.#stream, consumer.name).catch(() => {});
  }

  /** Creates the consumer and begins to pull. 'take over' removes other owners' consumers, 'resume' respects them. */
  async #start(mode: 'take over' | 'resume'): Promise<void> {
    const name = `lane-${randomUUID()}`;
    let others: LaneConsumer[];
    try {
      others = await laneConsumers(this.#connection, this.#stream, this.#input, this.#spec.id);
    } catch (error) {
      if (apiErrorCode(error) !== API_ERROR.streamNotFound) throw error;
      if (this.#input === 'log')
        throw new Error(`${this.#stream} does not exist: is the instance declared?`, { cause: error });
      const kind = this.#input === 'request' ? 'request' : 'sink';
      await declareStream(this.#connection, this.#spec, kind);
      others = [];
    }
    const foreign = others.filter((consumer) => !this.#ownNames.has(consumer.name));
    if (mode === 'resume' && foreign.length > 0) throw new LaneTakenOverError(`${this.#stream} has a new owner`);
    const floor = Math.max(this.#acknowledged, ...others.map((consumer) => consumer.floor));
    for (const consumer of others) await deleteConsumer(this.#connection, this.#stream, consumer.name);
    this.#ownNames.add(name);
    await createLaneConsumer(this.#connection, this.#stream, this.#input, this.#spec.id, name, floor);
    if (this.#state === 'closed') return deleteConsumer(this.#connection, this.#stream, name);
    this.#run(name);
  }

  #run(name: string): void {
    if (this.#input === 'request') this.#base = this.#highest;
    this.#consumer = { name, floor: 0 };
    this.#delivered = 0;
    this.#unacknowledged = [];
    this.#lastAcknowledgement = undefined;
    const puller = new Puller(this.#connection, this.#stream, name, {
      message: (message) => {
        if (this.#puller === puller) this.#receive(message);
      },
      heartbeat: () => this.#silence?.refresh(),
      ended: (status) => {
        if (this.#puller !== puller) return;
        // 408 and 409 "... MaxBytes": the pull is used up. All else is about the consumer.
        const usedUp =
          status === undefined || status.code === 408 || /MaxBytes|Batch Completed/.test(status.description);
        if (usedUp) this.#prefetch();
        else this.#reopen(/Consumer Deleted/.test(status.description) ? BOUNDS.takeOver : reconnectWaitMs());
      },
    });
    this.#puller = puller;
    const silence = setTimeout(() => {
      if (puller.pulling) this.#reopen();
      else silence.refresh();
    }, BOUNDS.silence);
    silence.unref();
    this.#silence = silence;
    this.#state = 'open';
    this.#prefetch();
  }

  #receive(message: PulledMessage): void {
    this.#silence?.refresh();
    if (message.consumerSequence !== this.#delivered + 1) {
      this.#reopen();
      return;
    }
    this.#delivered = message.consumerSequence;
    const sequence = this.#base + message.sequence;
    this.#highest = Math.max(this.#highest, sequence);
    const { subject, payload, reply } = message;
    if (this.#input !== 'request' && sequence <= this.#returned) {
      if (sequence <= this.#acknowledged) this.#connection.publish(reply, '+ACK');
      else this.#unacknowledged.push({ sequence, reply });
      return;
    }
    this.#buffer.push({ sequence, subject, payload, reply });
    this.#bufferBytes += payload.length;
    this.#notify();
  }

  #prefetch(): void {
    if (this.#state !== 'open' || this.#puller === undefined || this.#puller.pulling) return;
    const batch = BOUNDS.messages - this.#buffer.length;
    if (batch < BOUNDS.messages / 2 || this.#bufferBytes > BOUNDS.bytes / 2) return;
    this.#puller.pull({
      batch,
      maxBytes: BOUNDS.bytes,
      expiresMs: BOUNDS.pullExpires,
      heartbeatMs: BOUNDS.heartbeat,
    });
    this.#silence?.refresh();
  }

  #reopen(afterMs = reconnectWaitMs()): void {
    if (this.#state !== 'open') return;
    this.#state = 'broken';
    this.#drop();
    this.#reopening = this.#untilOpen(afterMs).finally(() => {
      this.#reopening = undefined;
    });
  }

  async #untilOpen(afterMs: number): Promise<void> {
    await pause(afterMs);
    for (let attempt = 1; this.#state === 'broken' && !this.#connection.isClosed(); attempt++) {
      try {
        await this.#start('resume');
        return;
      } catch (error) {
        if (this.#state !== 'broken') return;
        // Not unique: either a creation of ours that was thought lost, or a new owner's. The next look tells.
        if (error instanceof LaneTakenOverError) {
          this.#state = 'taken over';
          this.#notify();
          return;
        }
        await pause(reconnectWaitMs() * Math.min(attempt, REOPEN_WAIT_FACTOR_MAX));
      }
    }
  }

  /** Waits until the server has taken the acknowledgements: they queue apart from requests about consumers. */
  async #settle(): Promise<void> {
    const reply = this.#lastAcknowledgement;
    this.#lastAcknowledgement = undefined;
    if (reply === undefined || this.#connection.isClosed()) return;
    // One that is lost costs a delivery that the functions know how to take twice.
    await this.#connection.request(reply, '+ACK', { timeout: BOUNDS.settle }).catch(() => {});
  }

  /** Stops pulling and forgets what was not returned yet; it will be delivered again. */
  #drop(): void {
    clearTimeout(this.#silence);
    this.#puller?.close();
    this.#puller = undefined;
    this.#buffer = [];
    this.#bufferBytes = 0;
  }

  async #arrival(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(signal.reason);
    this.#wake = resolve;
    signal.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** Somebody else's consumer is on the work queue. */
function isNotUnique(error: unknown): boolean {
  const code = apiErrorCode(error);
  return code === API_ERROR.workQueueConsumerNotUnique || code === API_ERROR.workQueueMultipleUnfiltered;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
