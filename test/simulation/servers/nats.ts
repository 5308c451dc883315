import type { Subjects } from '@faaskeeper/protocol';
import type { Notifications } from '../../../functions/core/ports.ts';
import { Link, type Weather } from '../network.ts';
import type { SimProcess } from '../process.ts';
import type { Scheduler } from '../scheduler.ts';
import { LaneStream } from './lane.ts';
import type { SimLogServer } from './log.ts';

type Handler = (payload: Uint8Array, subject: string) => void;

interface Subscribed {
  readonly pattern: string;
  readonly handler: Handler;
  /** The server knows of it (on this connection). */
  active: boolean;
  closed: boolean;
}

/** A subscription is not lost as long as its connection stands: TCP sends it again, ms. */
const RETRANSMIT_MS = 500;

/** How core NATS loses things; see Weather for the rest. */
export interface NatsWeather extends Weather {
  /** Chance that one core message is lost on its way to the server, and on its way to one subscriber. */
  lostMessage: number;
  /** Chance that another server learns of a subscription only after up to `interestMs`. */
  slowInterest: number;
  interestMs: number;
}

/** nats-server: core messaging, and the streams of one instance. */
export class SimNatsServer {
  readonly weather: NatsWeather;
  readonly requests: LaneStream;
  readonly log: LaneStream;
  readonly sinks = new Map<string, LaneStream>();
  readonly #stored = new Set<string>();
  readonly connections = new Set<NatsConnection>();
  readonly #names: Subjects;
  readonly #changes: string;
  readonly #scheduler: Scheduler;
  /** The judge listens to what comes into REQ. */
  onRequest: (subject: string, payload: Uint8Array) => void = () => undefined;
  /** ... and to what any client may hear of changes. */
  onChange: (payload: Uint8Array) => void = () => undefined;
  /** A scenario loses single core messages on their way from (`up`) or to a process. */
  loses: (way: 'up' | 'down', process: SimProcess, subject: string, payload: Uint8Array) => boolean = () => false;

  constructor(scheduler: Scheduler, names: Subjects, weather: NatsWeather, log: SimLogServer) {
    this.#scheduler = scheduler;
    this.#names = names;
    this.weather = weather;
    this.#changes = names.change('/') ?? '';
    this.requests = new LaneStream('work queue');
    this.log = new LaneStream('log', log);
  }

  /** Something was published: to whoever listens, and into the streams that take it. */
  publish(subject: string, payload: Uint8Array): void {
    for (const connection of this.connections) connection.hear(subject, payload);
    if (subject.startsWith(this.#changes)) this.onChange(payload);
    if (subject === this.#names.systemRequest || subject.startsWith(this.#names.request('new').slice(0, -3))) {
      this.onRequest(subject, payload);
      this.requests.add(subject, payload);
    }
  }

  store(subject: string, payload: Uint8Array, id: string): void {
    if (this.#stored.has(id)) return;
    this.#stored.add(id);
    this.sink(subject).add(subject, payload);
  }

  sink(subject: string): LaneStream {
    const stream = this.sinks.get(subject) ?? new LaneStream('work queue');
    this.sinks.set(subject, stream);
    return stream;
  }

  /** What is in memory is gone, and all connections with it. */
  restart(downMs: number): void {
    this.#scheduler.note('nats', `restarts, down for ${downMs.toFixed(0)} ms; REQ is empty`);
    this.requests.clear();
    for (const connection of this.connections) connection.break(downMs);
  }
}

/** One process's connection. */
export class NatsConnection {
  readonly link: Link;
  connected = true;
  readonly #server: SimNatsServer;
  readonly #subscriptions = new Set<Subscribed>();
  readonly #listeners = new Set<(connected: boolean) => void>();
  #waiting: { subject: string; payload: Uint8Array }[] = [];
  #breaks = 0;
  #closed = false;

  constructor(process: SimProcess, server: SimNatsServer) {
    this.#server = server;
    this.link = new Link(process, { name: 'NATS', weather: server.weather, ordered: true, timeoutMs: 5_000 });
    server.connections.add(this);
    process.onDeath(() => server.connections.delete(this));
  }

  get process(): SimProcess {
    return this.link.process;
  }

  /** What was published while it was disconnected waits for the connection to come back. */
  publish(subject: string, payload: Uint8Array): void {
    if (this.#closed) return;
    if (!this.connected) {
      this.#waiting.push({ subject, payload });
      return;
    }
    const server = this.#server;
    const lost = server.loses('up', this.process, subject, payload);
    if (this.process.chance.happens(server.weather.lostMessage) || lost)
      this.process.note(`its message to ${subject} is lost`);
    else this.link.send('publish', () => this.#server.publish(subject, payload));
  }

  subscribe(pattern: string, handler: Handler): { close(): void } {
    const subscribed: Subscribed = { pattern, handler, active: false, closed: this.#closed };
    this.#subscriptions.add(subscribed);
    if (this.connected) this.#announce(subscribed);
    return {
      close: () => {
        subscribed.closed = true;
        this.#subscriptions.delete(subscribed);
      },
    };
  }

  /** A message came to the server. */
  hear(subject: string, payload: Uint8Array): void {
    const { weather } = this.#server;
    for (const subscribed of this.#subscriptions) {
      if (!subscribed.active || !matches(subscribed.pattern, subject)) continue;
      const lost = this.#server.loses('down', this.process, subject, payload);
      if (this.process.chance.happens(weather.lostMessage) || lost) {
        this.process.note(`loses ${subject}`);
        continue;
      }
      this.link.push('message', () => {
        if (!subscribed.closed) subscribed.handler(payload, subject);
      });
    }
  }

  onConnection(listener: (connected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The connection is gone and comes back after so long. */
  break(ms: number): void {
    if (this.#closed) return;
    const own = ++this.#breaks;
    this.link.break();
    for (const subscribed of this.#subscriptions) subscribed.active = false;
    const { process } = this;
    process.after(0, 'disconnected', () => {
      if (!this.connected) return;
      this.connected = false;
      for (const listener of [...this.#listeners]) listener(false);
    });
    process.after(ms + 1, 'reconnected', () => {
      if (own !== this.#breaks || this.#closed) return;
      this.connected = true;
      for (const subscribed of this.#subscriptions) this.#announce(subscribed);
      for (const { subject, payload } of this.#waiting.splice(0)) this.publish(subject, payload);
      for (const listener of [...this.#listeners]) listener(true);
    });
  }

  close(): void {
    this.#closed = true;
    this.connected = false;
    this.#subscriptions.clear();
    this.#listeners.clear();
    this.#server.connections.delete(this);
  }

  #announce(subscribed: Subscribed): void {
    const { weather } = this.#server;
    const { chance, scheduler } = this.process;
    const breaks = this.#breaks;
    const isWanted = () => breaks === this.#breaks && !subscribed.closed;
    const arrive = () => {
      const activate = () => {
        if (isWanted()) subscribed.active = true;
      };
      if (!chance.happens(weather.slowInterest)) return activate();
      scheduler.after(chance.fraction() * weather.interestMs, 'interest', activate);
    };
    this.link.send('subscribe', arrive, () =>
      this.process.after(RETRANSMIT_MS, 'retransmit', () => {
        if (isWanted()) this.#announce(subscribed);
      }),
    );
  }
}

/** `*` is one token, `>` all that is left. */
export function matches(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  if (!pattern.includes('*') && !pattern.endsWith('>')) return false;
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  for (const [at, token] of wanted.entries()) {
    if (token === '>') return tokens.length > at;
    if (token !== '*' && token !== tokens[at]) return false;
    if (tokens[at] === undefined) return false;
  }
  return wanted.length === tokens.length;
}

export function simNotifications(connection: NatsConnection, server: SimNatsServer): Notifications {
  return {
    publish: (subject, payload) => connection.publish(subject, payload),
    flush: () => connection.link.call('flush', () => undefined),
    subscribe: (subject, handler) => connection.subscribe(subject, handler),
    store: (subject, payload, id) => connection.link.call('store', () => server.store(subject, payload, id)),
  };
}
