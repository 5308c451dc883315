import { randomUUID } from 'node:crypto';
import { LIMITS, subjects } from '@faaskeeper/protocol';
import type { Msg, NatsConnection } from 'nats';
import { type Delivery, type LaneSource, LaneTakenOverError } from '../../core/ports.ts';
import { onConnectionChange, reconnectWaitMs } from './connection.ts';
import { Doorbell } from './doorbell.ts';
import { API_ERROR, apiErrorCode } from './jetstream-api.ts';
import { LaneBuffer } from './lane-buffer.ts';
import {
  createLaneConsumer,
  deleteConsumer,
  type LaneConsumer,
  type LaneInput,
  laneConsumers,
} from './lane-consumer.ts';
import { originOf } from './origin.ts';
import { type PulledMessage, Puller, type PullHandlers } from './puller.ts';
import { natsRequest } from './requests.ts';
import { declareStream, removeStream, type StreamSpec, type StreamState, streamState } from './streams.ts';

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
  /**
   * Acknowledgements are sent together: nobody waits for one, and one that is lost costs a delivery that the functions
   * know how to take twice. Those of a sink go at once: what is behind it may not.
   */
  acknowledgeAfter: 10,
  acknowledgeAtOnce: 512,
  /** How long opening or closing waits for acknowledgements that are under way. */
  settle: 1_000,
  /** A lane that nothing came to for so long gives its consumer back, and REQ its stream. */
  rest: 60_000,
  /** Time that other servers of a cluster get to learn of the doorbell. */
  interest: 1_000,
} as const;

/** 1 s at most, so that a server that is down costs little and is soon noticed to be back. */
const REOPEN_WAIT_FACTOR_MAX = 4;

/**
 * `resting`: there is no consumer, as there is nothing to consume. `broken`: the consumer may be gone or have lost a
 * message, or the rest is over; it is being created.
 */
type LaneState = 'new' | 'open' | 'resting' | 'broken' | 'taken over' | 'closed';

export interface LaneOptions {
  /** Deliveries tell where they come from. */
  readonly origins?: boolean;
  /** A lane that nothing came to for so long (ms) rests. Default 60 s. */
  readonly restAfterMs?: number | undefined;
}

/**
 * One lane of an instance as a JetStream consumer of its own, whose name no other owner has: what an old owner still
 * pulls can thus not take messages from the new one. Acknowledged messages are gone (REQ, SINK: work queues) or behind
 * the consumer's floor (LOG).
 *
 * A reconnect, a silent server, a gap in deliveries or a missing consumer make it create the consumer anew (and the
 * stream, where a restart has taken it: REQ is memory). Everything not acknowledged is then delivered again, in order;
 * LOG and SINK keep their sequences over a restart, so there it is filtered out what `next` has returned already.
 *
 * An idle lane rests, so that an idle instance has no consumers and no REQ: the consumer of LOG is gone until `expect`
 * tells of a message, REQ is gone until one is heard at the doorbell. That one is delivered at once, without a stream;
 * the lane's own stream takes what comes from its creation on, so nothing falls in between.
 */
export class JetStreamLane implements LaneSource {
  readonly #connection: NatsConnection;
  readonly #spec: StreamSpec;
  readonly #input: LaneInput;
  readonly #stream: string;
  readonly #origin: PullHandlers['origin'];
  #state: LaneState = 'new';
  readonly #restAfterMs: number;
  #puller: Puller | undefined;
  #consumer: LaneConsumer | undefined;
  #doorbell: Doorbell | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Highest sequence that is known to be in LOG. */
  #expected = 0;
  /** Names of consumers that this lane created or tried to: a creation that timed out may have succeeded. */
  #ownNames = new Set<string>();
  #delivered = 0;
  readonly #buffer = new LaneBuffer();
  /** Highest sequence that `next` returned, and that was acknowledged. */
  #returned = 0;
  #acknowledged = 0;
  /** Added to a stream's sequences: REQ begins at 1 again after a restart, a lane's sequences only grow. */
  #base = 0;
  #highest = 0;
  /** Where acknowledgements are to go that are not sent yet. */
  #unsent: string[] = [];
  #sending: NodeJS.Timeout | undefined;
  /** Where the newest acknowledgement went. */
  #lastAcknowledgement: string | undefined;
  #silence: NodeJS.Timeout | undefined;
  #reopening: Promise<void> | undefined;
  #stopListening: (() => void) | undefined;

  constructor(connection: NatsConnection, spec: StreamSpec, input: LaneInput, options: LaneOptions = {}) {
    this.#connection = connection;
    this.#origin = options.origins === true ? originOf : undefined;
    this.#restAfterMs = options.restAfterMs ?? BOUNDS.rest;
    this.#spec = spec;
    this.#input = input;
    const { streams } = subjects(spec.id);
    this.#stream = input === 'request' ? streams.request : input === 'log' ? streams.log : streams.sink;
  }

  async open(after = 0): Promise<void> {
    if (this.#state === 'closed') throw new Error(`The lane of ${this.#stream} is closed`);
    this.#state = 'new';
    await this.#reopening;
    this.#drop();
    this.#returned = 0;
    await this.#settle();
    if (this.#input === 'log') this.#acknowledged = Math.max(this.#acknowledged, after);
    if (this.#input === 'request') this.#listen();
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

  expect(sequence: number): void {
    this.#expected = Math.max(this.#expected, sequence);
    if (this.#input === 'log' && this.#expected > this.#acknowledged) this.#wakeUp();
  }

  async next(bounds: { messages: number; bytes: number }, signal: AbortSignal): Promise<Delivery[]> {
    while (this.#buffer.length === 0) {
      signal.throwIfAborted();
      if (this.#state === 'closed' || this.#state === 'new') throw new Error(`The lane of ${this.#stream} is not open`);
      if (this.#state === 'taken over') throw new LaneTakenOverError(`${this.#stream} has a new owner`);
      await this.#buffer.arrival(signal);
    }
    const taken = this.#buffer.take(bounds);
    this.#returned = Math.max(this.#returned, taken.at(-1)?.sequence ?? 0);
    this.#idle?.refresh();
    this.#prefetch();
    return taken;
  }

  acknowledge(sequence: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, sequence);
    const replies = this.#buffer.acknowledge(sequence);
    // One of LOG stands for all before it.
    if (this.#input !== 'log') this.#unsent.push(...replies);
    else if (replies.length > 0) this.#unsent = replies.slice(-1);
    const isUrgent = typeof this.#input === 'object' || this.#unsent.length >= BOUNDS.acknowledgeAtOnce;
    if (isUrgent) this.#sendAcknowledgements();
    else if (this.#unsent.length > 0)
      this.#sending ??= setTimeout(() => this.#sendAcknowledgements(), BOUNDS.acknowledgeAfter);
  }

  #sendAcknowledgements(): void {
    clearTimeout(this.#sending);
    this.#sending = undefined;
    const replies = this.#unsent.splice(0);
    if (this.#connection.isClosed()) return;
    for (const reply of replies) this.#connection.publish(reply, '+ACK');
    this.#lastAcknowledgement = replies.at(-1) ?? this.#lastAcknowledgement;
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#stopListening?.();
    this.#unlisten();
    const consumer = this.#consumer;
    this.#drop();
    this.#buffer.notify();
    await this.#reopening;
    await this.#settle();
    // LOG's consumer stays: its floor may be nearer than the stored watermark, where the next owner begins else.
    if (consumer === undefined || this.#input === 'log' || this.#connection.isClosed()) return;
    await deleteConsumer(this.#connection, this.#stream, consumer.name).catch(() => {});
  }

  /**
   * Creates the consumer and begins to pull. 'take over' removes other owners' consumers, and rests where there is
   * nothing to pull; 'resume' respects them.
   */
  async #start(mode: 'take over' | 'resume'): Promise<void> {
    this.#sendAcknowledgements();
    const stream = await this.#findStream();
    if (stream === undefined && this.#input === 'log')
      throw new Error(`${this.#stream} does not exist: is the instance declared?`);
    if (stream === undefined && this.#input === 'request' && mode === 'take over') return this.#rest();
    if (stream === undefined)
      await declareStream(this.#connection, this.#spec, this.#input === 'request' ? 'request' : 'sink');
    const others = await laneConsumers(this.#connection, this.#stream, this.#input, this.#spec.id);
    const foreign = others.filter((consumer) => !this.#ownNames.has(consumer.name));
    if (mode === 'resume' && foreign.length > 0) throw new LaneTakenOverError(`${this.#stream} has a new owner`);
    const floor = Math.max(this.#acknowledged, ...others.map((consumer) => consumer.floor));
    for (const consumer of others) await deleteConsumer(this.#connection, this.#stream, consumer.name);
    if (this.#input === 'log' && mode === 'take over' && stream !== undefined) {
      // Whatever the watermark says, what LOG will hold next is not done.
      this.#acknowledged = Math.min(floor, stream.last);
      if (this.#acknowledged === stream.last) return this.#rest();
    }
    const name = `lane-${randomUUID()}`;
    this.#ownNames.add(name);
    const { id } = this.#spec;
    await createLaneConsumer(
      this.#connection,
      this.#stream,
      this.#input,
      id,
      name,
      Math.max(this.#acknowledged, floor),
    );
    if (this.#state === 'closed') return deleteConsumer(this.#connection, this.#stream, name);
    this.#run(name);
  }

  /** REQ is in the memory of one server: while that is away, it begins anew on another one, and clients send again. */
  async #findStream(): Promise<StreamState | undefined> {
    try {
      return await streamState(this.#connection, this.#stream);
    } catch (error) {
      if (this.#input !== 'request' || apiErrorCode(error) !== API_ERROR.streamOffline) throw error;
      await removeStream(this.#connection, this.#spec.id, 'request');
      return undefined;
    }
  }

  #run(name: string): void {
    if (this.#input === 'request') this.#base = this.#highest;
    // What was heard before the stream was seen to be there comes from it as well.
    if (this.#state === 'new') this.#buffer.drop();
    this.#unlisten();
    this.#consumer = { name, floor: 0 };
    this.#delivered = 0;
    this.#buffer.disown();
    this.#lastAcknowledgement = undefined;
    const puller = new Puller(this.#connection, this.#stream, name, {
      message: (message) => {
        if (this.#puller === puller) this.#receive(message);
      },
      heartbeat: () => this.#silence?.refresh(),
      origin: this.#origin,
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
    // Another lane would not hear of its messages.
    if (this.#input === 'request' || this.#input === 'log') this.#restWhenIdle();
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
    const { subject, payload, reply, origin } = message;
    if (this.#input !== 'request' && sequence <= this.#returned) {
      if (sequence <= this.#acknowledged) this.#connection.publish(reply, '+ACK');
      else this.#buffer.again({ sequence, reply });
      return;
    }
    const waiting = { sequence, subject, payload, reply };
    this.#buffer.put(origin === undefined ? waiting : { ...waiting, origin });
  }

  #restWhenIdle(): void {
    let isLooking = false;
    const idle = setTimeout(() => {
      // A batch that came while it looked has started the timer again.
      if (isLooking) return;
      isLooking = true;
      void this.#tryRest().finally(() => {
        isLooking = false;
        if (this.#idle === idle) idle.refresh();
      });
    }, this.#restAfterMs);
    idle.unref();
    this.#idle = idle;
  }

  /** Gives the consumer back, and REQ its stream, unless something comes meanwhile. */
  async #tryRest(): Promise<void> {
    const { name } = this.#consumer ?? {};
    if (name === undefined || !this.#isIdle()) return;
    this.#sendAcknowledgements();
    const doorbell = this.#input === 'request' ? this.#listen() : undefined;
    if (doorbell !== undefined) await pause(Math.min(BOUNDS.interest, this.#restAfterMs));
    // Answered after the server has taken the subscription: from here on all is heard, what came before is counted.
    const stream = await streamState(this.#connection, this.#stream).catch(() => undefined);
    const isEmpty = this.#input === 'request' ? stream?.messages === 0 : stream?.last === this.#acknowledged;
    const isQuiet = isEmpty && this.#isIdle() && this.#doorbell === doorbell && doorbell?.rung !== true;
    if (this.#consumer?.name !== name || !isQuiet) {
      if (this.#doorbell === doorbell) this.#unlisten();
      return;
    }
    this.#drop();
    const removed =
      this.#input === 'request'
        ? removeStream(this.#connection, this.#spec.id, 'request')
        : deleteConsumer(this.#connection, this.#stream, name);
    // It may have happened without an answer; whoever wakes up looks.
    this.#reopening = removed.then(
      () => this.#ownNames.clear(),
      () => undefined,
    );
    this.#rest();
    await this.#reopening;
  }

  #isIdle(): boolean {
    const isBehind = this.#input === 'log' && this.#expected > this.#acknowledged;
    return this.#state === 'open' && this.#buffer.isIdle && !isBehind;
  }

  #rest(): void {
    if (this.#state === 'closed') return;
    this.#state = 'resting';
    this.#consumer = undefined;
    if (this.#buffer.length > 0 || (this.#input === 'log' && this.#expected > this.#acknowledged)) this.#wakeUp();
  }

  #wakeUp(): void {
    if (this.#state !== 'resting') return;
    this.#state = 'broken';
    this.#startAgain(this.#reopening ?? Promise.resolve());
  }

  #listen(): Doorbell {
    this.#unlisten();
    const { requests, systemRequest } = subjects(this.#spec.id);
    this.#doorbell = new Doorbell(this.#connection, [requests, systemRequest], (message) => this.#hear(message));
    return this.#doorbell;
  }

  #unlisten(): void {
    this.#doorbell?.close();
    this.#doorbell = undefined;
  }

  /** What is heard while there is a stream comes from the stream. Beyond the bounds, clients have to send again. */
  #hear(message: Msg): void {
    if (this.#state === 'open' || this.#state === 'closed' || this.#state === 'taken over') return;
    if (this.#buffer.length >= BOUNDS.messages || this.#buffer.bytes > BOUNDS.bytes) return;
    const { subject, data } = message;
    const waiting = { sequence: ++this.#highest, subject, payload: data, reply: undefined };
    const origin = this.#origin?.(message);
    this.#buffer.put(origin === undefined ? waiting : { ...waiting, origin: { ...origin, storedAt: Date.now() } });
    this.#wakeUp();
  }

  #prefetch(): void {
    if (this.#state !== 'open' || this.#puller === undefined || this.#puller.pulling) return;
    const batch = BOUNDS.messages - this.#buffer.length;
    if (batch < BOUNDS.messages / 2 || this.#buffer.bytes > BOUNDS.bytes / 2) return;
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
    this.#startAgain(pause(afterMs));
  }

  #startAgain(after: Promise<void>): void {
    const reopening = after
      .then(() => this.#untilOpen())
      .finally(() => {
        if (this.#reopening === reopening) this.#reopening = undefined;
      });
    this.#reopening = reopening;
  }

  async #untilOpen(): Promise<void> {
    for (let attempt = 1; this.#state === 'broken' && !this.#connection.isClosed(); attempt++) {
      try {
        await this.#start('resume');
        return;
      } catch (error) {
        if (this.#state !== 'broken') return;
        // Not unique: either a creation of ours that was thought lost, or a new owner's. The next look tells.
        if (error instanceof LaneTakenOverError) {
          this.#state = 'taken over';
          this.#buffer.notify();
          return;
        }
        await pause(reconnectWaitMs() * Math.min(attempt, REOPEN_WAIT_FACTOR_MAX));
      }
    }
  }

  /** Waits until the server has taken the acknowledgements: they queue apart from requests about consumers. */
  async #settle(): Promise<void> {
    this.#sendAcknowledgements();
    const reply = this.#lastAcknowledgement;
    this.#lastAcknowledgement = undefined;
    if (reply === undefined || this.#connection.isClosed()) return;
    // One that is lost costs a delivery that the functions know how to take twice.
    await natsRequest(this.#connection, reply, '+ACK', { timeoutMs: BOUNDS.settle }).catch(() => {});
  }

  /** Stops pulling and forgets what was not returned yet; it will be delivered again. */
  #drop(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#idle);
    this.#silence = undefined;
    this.#idle = undefined;
    this.#puller?.close();
    this.#puller = undefined;
    this.#buffer.drop();
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
