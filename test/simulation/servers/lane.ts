import { type Delivery, type LaneSource, LaneTakenOverError } from '../../../functions/core/ports.ts';
import type { SimLogServer } from './log.ts';
import type { NatsConnection } from './nats.ts';

/** How long an owner may not notice that its consumer is gone, ms. */
const TAKE_OVER_NOTICED_MS = 3_000;
/** A lane that nothing came to for so long rests, ms. */
const REST_MS = 400;

/**
 * A stream with its one consumer. A work queue loses what is acknowledged; of LOG, the consumer has a floor, which is
 * lost with it.
 */
export class LaneStream {
  readonly kind: 'work queue' | 'log';
  readonly #log: SimLogServer | undefined;
  #queue: Delivery[] = [];
  #last = 0;
  floor = 0;
  #consumer: { readonly lane: SimLane; readonly number: number; cursor: number } | undefined;
  #consumers = 0;
  /** A work queue is gone while its lane rests: those who listen hear what comes. */
  #isThere = true;
  readonly #listeners = new Set<SimLane>();

  constructor(kind: 'work queue' | 'log', log?: SimLogServer) {
    this.kind = kind;
    this.#log = log;
    if (log !== undefined) log.onAppend = () => this.#pump();
  }

  get length(): number {
    return this.#queue.length;
  }

  add(subject: string, payload: Uint8Array): void {
    const message = { sequence: ++this.#last, subject, payload: payload.slice() };
    for (const lane of this.#listeners) lane.hear(message);
    if (this.#isThere) this.#queue.push(message);
    this.#pump();
  }

  clear(): void {
    this.#queue = [];
  }

  listen(lane: SimLane): void {
    this.#listeners.add(lane);
  }

  unlisten(lane: SimLane): void {
    this.#listeners.delete(lane);
  }

  /** Takes the lane over where there is nothing to take: true, and there is no consumer then. */
  openAtRest(lane: SimLane, after: number): boolean {
    if (this.#log !== undefined) this.floor = Math.min(Math.max(this.floor, after), this.#log.last);
    if (this.#log === undefined ? this.#isThere : this.floor < this.#log.last) return false;
    const old = this.#consumer?.lane;
    this.#consumer = undefined;
    if (old === lane) lane.bereft();
    else old?.replaced();
    return true;
  }

  /** All up to `done` is all there is. */
  isDone(done: number): boolean {
    return this.#log === undefined ? this.#queue.length === 0 : this.#log.last === done;
  }

  /** Deletes the consumer of LOG by its number; a work queue as a whole, whatever has come meanwhile. */
  rest(number: number): void {
    const consumer = this.#consumer;
    if (this.#log !== undefined && consumer?.number !== number) return;
    this.#consumer = undefined;
    if (this.#log === undefined) {
      this.#isThere = false;
      this.#queue = [];
    }
    consumer?.lane.bereft();
  }

  /** The consumer is deleted and made anew at the first message that was not acknowledged. */
  consume(lane: SimLane): number {
    this.#isThere = true;
    const number = ++this.#consumers;
    const old = this.#consumer?.lane;
    this.#consumer = { lane, number, cursor: this.floor };
    if (old !== undefined && old !== lane) old.replaced();
    this.#pump();
    return number;
  }

  isConsumer(number: number): boolean {
    return this.#consumer?.number === number;
  }

  isOwnedBy(lane: SimLane): boolean {
    return this.#consumer === undefined || this.#consumer.lane === lane;
  }

  acknowledge(sequence: number): void {
    if (this.kind === 'log') this.floor = Math.max(this.floor, sequence);
    else this.#queue = this.#queue.filter((message) => message.sequence > sequence);
  }

  /** Acknowledged or not, LOG comes again from its beginning. */
  losePosition(): void {
    this.floor = 0;
    this.#consumer?.lane.reopen();
  }

  #pump(): void {
    const consumer = this.#consumer;
    if (consumer === undefined) return;
    for (const message of this.#after(consumer.cursor)) {
      consumer.cursor = message.sequence;
      consumer.lane.push(consumer.number, message);
    }
  }

  #after(cursor: number): Delivery[] {
    if (this.#log === undefined) return this.#queue.filter(({ sequence }) => sequence > cursor);
    const from = Math.max(cursor + 1, this.#log.first);
    return this.#log.all.slice(from - 1).map(({ sequence, payload }) => ({ sequence, subject: 'log', payload }));
  }
}

/** One owner's way into a lane. */
export class SimLane implements LaneSource {
  readonly #connection: NatsConnection;
  readonly #stream: LaneStream;
  /** `broken`: the consumer is made anew; `waking`: after a rest, and what was heard counts. */
  #state: 'new' | 'open' | 'resting' | 'waking' | 'broken' | 'taken over' | 'closed' = 'new';
  #number = 0;
  #buffer: Delivery[] = [];
  #returned = 0;
  #acknowledged = 0;
  #expected = 0;
  /** Of those to make a consumer; one that was given up makes none. */
  #attempts = 0;
  /** Another owner made its consumer while this one was still being opened. */
  #wasReplaced = false;
  /** Of the looks whether nothing comes any more, the newest. */
  #looks = 0;
  #wake: (() => void) | undefined;
  #forget: (() => void) | undefined;

  constructor(connection: NatsConnection, stream: LaneStream) {
    this.#connection = connection;
    this.#stream = stream;
  }

  async open(after = 0): Promise<void> {
    if (this.#state === 'closed') throw new Error('The lane is closed');
    this.#state = 'new';
    this.#wasReplaced = false;
    this.#returned = 0;
    this.#buffer = [];
    const { link } = this.#connection;
    const isLog = this.#stream.kind === 'log';
    if (isLog) this.#acknowledged = Math.max(this.#acknowledged, after);
    else await link.call('listen', () => this.#stream.listen(this));
    if (await link.call('open', () => this.#stream.openAtRest(this, after))) this.#rest();
    else await this.#consume();
    this.#forget ??= this.#connection.onConnection((connected) => {
      if (connected) this.reopen();
    });
  }

  async next(bounds: { messages: number; bytes: number }, signal: AbortSignal): Promise<Delivery[]> {
    while (this.#buffer.length === 0) {
      signal.throwIfAborted();
      if (this.#state === 'taken over') throw new LaneTakenOverError('The lane has a new owner');
      if (this.#state === 'new' || this.#state === 'closed') throw new Error('The lane is not open');
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
    this.#restWhenIdle();
    this.#returned = Math.max(this.#returned, taken.at(-1)?.sequence ?? 0);
    return taken;
  }

  expect(sequence: number): void {
    this.#expected = Math.max(this.#expected, sequence);
    if (this.#state === 'resting' && this.#isBehind()) this.#wakeUp();
  }

  acknowledge(sequence: number): void {
    this.#acknowledged = Math.max(this.#acknowledged, sequence);
    this.#connection.link.send('acknowledge', () => this.#stream.acknowledge(sequence));
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#forget?.();
    this.#stream.unlisten(this);
    this.#notify();
    // Acknowledgements are on their way before it: whoever opens the lane next must not get them again.
    await this.#connection.link.call('close lane', () => undefined).catch(() => undefined);
  }

  /** The server hands over a message. */
  push(consumer: number, message: Delivery): void {
    this.#connection.link.push('deliver', () => {
      if (consumer !== this.#number || this.#state === 'closed') return;
      // LOG keeps its sequences: what was handed out is known.
      if (this.#stream.kind === 'log' && message.sequence <= this.#returned) return;
      this.#buffer.push(message);
      this.#notify();
    });
  }

  /** A message comes while there may be no work queue; what there is comes from it. */
  hear(message: Delivery): void {
    this.#connection.link.push('hear', () => {
      if (this.#state !== 'new' && this.#state !== 'resting' && this.#state !== 'waking') return;
      this.#buffer.push(message);
      this.#notify();
      if (this.#state === 'resting') this.#wakeUp();
    });
  }

  #restWhenIdle(): void {
    const look = ++this.#looks;
    const { process, link } = this.#connection;
    const isIdle = () => {
      const isDone = this.#buffer.length === 0 && this.#returned <= this.#acknowledged && !this.#isBehind();
      return look === this.#looks && this.#state === 'open' && isDone;
    };
    const tryRest = async () => {
      if (this.#stream.kind !== 'log') await link.call('listen', () => this.#stream.listen(this));
      const done = this.#acknowledged;
      const isDone = await link.call('look', () => this.#stream.isDone(done)).catch(() => false);
      if (!isIdle()) return;
      if (!isDone) return this.#stayOpen();
      this.#state = 'resting';
      const number = this.#number;
      // It may happen without an answer: whoever wakes up makes a consumer in any case.
      await link.call('rest', () => this.#stream.rest(number));
    };
    process.after(REST_MS, 'rest', () => {
      if (isIdle()) tryRest().catch(() => undefined);
      else if (look === this.#looks && this.#state === 'open') this.#restWhenIdle();
    });
  }

  #stayOpen(): void {
    this.#stream.unlisten(this);
    this.#restWhenIdle();
  }

  #rest(): void {
    this.#state = 'resting';
    if (this.#buffer.length > 0 || this.#isBehind()) this.#wakeUp();
  }

  #isBehind(): boolean {
    return this.#stream.kind === 'log' && this.#expected > this.#acknowledged;
  }

  #wakeUp(): void {
    this.#state = 'waking';
    this.#look();
  }

  /** Another owner made its consumer; this one notices at its next look. */
  replaced(): void {
    const { process } = this.#connection;
    process.after(process.chance.fraction() * TAKE_OVER_NOTICED_MS, 'taken over', () => this.#lose());
  }

  /** Its consumer is gone. If that is by a call which it has long given up, it hears so from its pull. */
  bereft(): void {
    this.#connection.link.push('consumer deleted', () => this.reopen());
  }

  /** The connection was broken: what was on its way is lost, so the consumer is made anew, unless another owner's is there. */
  reopen(): void {
    if (this.#state !== 'open') return;
    this.#state = 'broken';
    this.#look();
  }

  #look(): void {
    this.#connection.link
      .call('look', () => this.#stream.isOwnedBy(this))
      .then((own) => (own ? this.#consume() : this.#lose()))
      .catch(() =>
        this.#connection.process.after(500, 'reopen', () => {
          if (this.#state === 'broken' || this.#state === 'waking') this.#look();
        }),
      );
  }

  async #consume(): Promise<void> {
    const attempt = ++this.#attempts;
    const isCurrent = () => attempt === this.#attempts;
    const created = this.#connection.link.call('consume', () => {
      // What is made for nobody is a consumer that nobody pulls from.
      if (!isCurrent()) return;
      const number = this.#stream.consume(this);
      // What older consumers have handed over, or will, does not count: all of it comes again.
      this.#number = number;
      // What was heard while there was none does not.
      if (this.#state !== 'waking') this.#buffer = [];
    });
    await created.catch((error: unknown) => {
      if (isCurrent()) this.#attempts++;
      throw error;
    });
    if (!isCurrent() || this.#state === 'closed' || this.#state === 'taken over') return;
    this.#state = 'open';
    this.#stream.unlisten(this);
    // Its first pull tells that another owner has removed the consumer meanwhile.
    if (this.#wasReplaced && !this.#stream.isConsumer(this.#number)) this.#lose();
    else this.#restWhenIdle();
  }

  #lose(): void {
    if (this.#state === 'new') this.#wasReplaced = true;
    if (this.#state === 'new' || this.#state === 'closed') return;
    this.#state = 'taken over';
    this.#buffer = [];
    this.#notify();
  }

  #arrival(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#wake = undefined;
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#wake = () => {
        signal.removeEventListener('abort', onAbort);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #notify(): void {
    this.#wake?.();
  }
}
