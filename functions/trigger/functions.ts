import { randomBytes } from 'node:crypto';
import { type Answer, exchange } from '@faaskeeper/objects';
import type { InstanceSpec } from '@faaskeeper/protocol';
import { LRUCache } from 'lru-cache';
import { Agent } from 'undici';
import { EVENT_TYPES } from '../core/invocations.ts';
import type { Tracing } from '../core/tracing.ts';
import { type Functions, InvocationError } from '../core/trigger/index.ts';
import { eventHeaders, REVISION_HEADER } from '../host/index.ts';
import { Addresses } from './addresses.ts';

/** Headers kept, by event type and instance. */
const KNOWN_HEADERS = 10_000;
const SOURCE = '/faaskeeper/trigger';

/** Connections to one origin; an instance needs one or two at a time. */
const ORIGIN_CONNECTIONS = 128;
/** A revision is a neighbour: where it does not take a connection within so long, the route does. */
const REVISION_CONNECT_MS = 1_000;
/** A problem body that is longer is cut in messages. */
const PROBLEM_CHARS = 2_000;

export interface FunctionUrls {
  readonly writer: string;
  readonly distributor: string;
  readonly watch: string;
  readonly heartbeat: string;
}

const FUNCTION_OF: Readonly<Record<string, keyof FunctionUrls>> = {
  [EVENT_TYPES.requests]: 'writer',
  [EVENT_TYPES.transactions]: 'distributor',
  [EVENT_TYPES.checkpoint]: 'distributor',
  [EVENT_TYPES.changes]: 'watch',
  [EVENT_TYPES.suspects]: 'heartbeat',
  [EVENT_TYPES.sweep]: 'heartbeat',
};

interface Target {
  readonly origin: string;
  readonly path: string;
}
type Targets = Readonly<Record<keyof FunctionUrls, Target>>;

export interface HttpFunctionsOptions {
  readonly urls: FunctionUrls;
  readonly token: string;
  /** Whether a revision that is warm gets its events without Knative's ingress in between. */
  readonly direct: boolean;
  readonly tracing?: Tracing | undefined;
  /** Told of each event that is sent. */
  readonly onSent?: (name: keyof FunctionUrls, to: 'route' | 'revision') => void;
}

interface Invocation {
  readonly type: string;
  readonly instance: string;
  readonly data: Uint8Array;
  readonly timeoutMs: number;
}

/** Posts CloudEvents in HTTP binary mode over kept-alive connections; those to an origin go when it has none to keep. */
export class HttpFunctions implements Functions {
  readonly #agent = new Agent({ connections: ORIGIN_CONNECTIONS, pipelining: 1 });
  readonly #revisions = new Agent({
    connections: ORIGIN_CONNECTIONS,
    pipelining: 1,
    connect: { timeout: REVISION_CONNECT_MS },
  });
  /** undefined: all events go to the routes. */
  readonly #addresses: Addresses | undefined;
  readonly #shared: Targets;
  readonly #token: string;
  /** Ids of events: unique by a random prefix and a count. */
  readonly #prefix = randomBytes(12).toString('hex');
  #count = 0;
  readonly #known = new LRUCache<string, Record<string, string>>({ max: KNOWN_HEADERS });
  readonly #tracing: Tracing | undefined;
  readonly #onSent: HttpFunctionsOptions['onSent'];

  constructor({ urls, token, direct, tracing, onSent }: HttpFunctionsOptions) {
    this.#shared = {
      writer: target(urls.writer),
      distributor: target(urls.distributor),
      watch: target(urls.watch),
      heartbeat: target(urls.heartbeat),
    };
    this.#token = token;
    this.#tracing = tracing;
    this.#onSent = onSent;
    if (direct) this.#addresses = new Addresses(() => performance.now());
  }

  /** The functions of an instance: its own where it has some, else the shared ones. */
  of({ functions = {} }: Pick<InstanceSpec, 'functions'>): Functions {
    const own = Object.entries(functions).flatMap(([name, url]) => (url === undefined ? [] : [[name, target(url)]]));
    if (own.length === 0) return this;
    const targets: Targets = { ...this.#shared, ...Object.fromEntries(own) };
    return { invoke: (type, instance, data, timeoutMs) => this.#post(targets, { type, instance, data, timeoutMs }) };
  }

  invoke(type: string, instance: string, data: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return this.#post(this.#shared, { type, instance, data, timeoutMs });
  }

  #post(targets: Targets, invocation: Invocation): Promise<Uint8Array> {
    if (this.#tracing === undefined) return this.#send(targets, invocation);
    return this.#tracing.stage('http', () => this.#send(targets, invocation), { kind: 'client' });
  }

  async #send(targets: Targets, { type, instance, data, timeoutMs }: Invocation): Promise<Uint8Array> {
    const name = FUNCTION_OF[type];
    if (name === undefined) throw new InvocationError(`No function takes events of type ${type}`);
    const { origin: route, path } = targets[name];
    const origin = this.#addresses?.of(route) ?? route;
    const agent = origin === route ? this.#agent : this.#revisions;
    this.#onSent?.(name, origin === route ? 'route' : 'revision');
    const id = `${this.#prefix}-${++this.#count}`;
    const begun = {
      origin,
      path,
      method: 'POST',
      headers: this.#headers(type, instance, id),
      body: data,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    } as const;
    let answer: Answer;
    try {
      answer = await exchange(agent, begun);
    } catch (cause) {
      this.#addresses?.failed(route, origin);
      throw new InvocationError(`The ${name} did not answer`, { cause });
    }
    const isDone = answer.status >= 200 && answer.status < 300;
    const revision = answer.headers[REVISION_HEADER]?.toString();
    // A problem of one instance says nothing against the way to the function, which all share.
    if (isDone || revision !== undefined) this.#addresses?.answered(route, origin, revision);
    else this.#addresses?.failed(route, origin);
    if (isDone) return answer.body;
    throw problem(name, answer.status, answer.body);
  }

  /** The SDK makes the headers of the first event of a kind; those of the next differ in id and time only. */
  #headers(type: string, instance: string, id: string): Record<string, string> {
    const kind = `${type} ${instance}`;
    let known = this.#known.get(kind);
    if (known === undefined) {
      known = eventHeaders({ id, type, source: SOURCE, subject: instance });
      known.authorization = `Bearer ${this.#token}`;
      this.#known.set(kind, known);
    }
    const traceparent = this.#tracing?.current();
    const own = { ...known, 'ce-id': id, 'ce-time': new Date().toISOString() };
    return traceparent === undefined ? own : { ...own, 'ce-traceparent': traceparent };
  }

  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#revisions.destroy()]);
  }
}

function target(url: string): Target {
  const { origin, pathname, search } = new URL(url);
  return { origin, path: `${pathname}${search}` };
}

function problem(name: string, status: number, body: Uint8Array): InvocationError {
  const text = Buffer.from(body).toString('utf8').slice(0, PROBLEM_CHARS);
  let detail = text;
  let halted: string | undefined;
  try {
    const parsed = JSON.parse(text) as { type?: unknown; detail?: unknown };
    if (typeof parsed.detail === 'string') detail = parsed.detail;
    if (parsed.type === 'halted' || parsed.type === 'newer-format') halted = detail;
  } catch {
    // Not ours: a proxy in between answered.
  }
  return new InvocationError(`The ${name} answered ${status}: ${detail}`, {
    status,
    ...(halted === undefined ? {} : { halted }),
  });
}
