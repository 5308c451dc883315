import type { WatchEvent } from '@faaskeeper/client';
import { decode, type Operation, type RequestMessage, type Stat, sessionToken } from '@faaskeeper/protocol';
import type { Surroundings } from './surroundings.ts';

/** What a client was asked to do. */
export type Action =
  | {
      readonly kind: 'write';
      readonly operation: Operation;
      /** The caller gives up after so long, ms; only where the data tell the request from any other. */
      readonly abortAfter?: number;
    }
  | {
      readonly kind: 'read';
      readonly what: 'exists' | 'getData' | 'getChildren';
      readonly path: string;
      readonly watch: boolean;
    }
  | { readonly kind: 'addWatch'; readonly path: string; readonly recursive: boolean };

/** A place in the history: `step` orders what happened at different times, `committed` is the end of LOG at that time. */
export interface Instant {
  readonly step: number;
  readonly time: number;
  readonly committed: number;
}

/** What a read found. */
export interface Found {
  readonly stat: Stat | null;
  /** It is there, but not for this session. */
  readonly denied?: boolean;
  readonly data?: string;
  readonly children?: readonly string[];
}

export interface CallRecord {
  readonly action: Action;
  readonly called: Instant;
  /** zxid of the newest watch event that the session had been told when it was called. */
  readonly toldBefore: number;
  returned?: Instant;
  /** Of writes: what the client returned. */
  result?: unknown;
  found?: Found;
  error?: string;
  /** Events of the watch that this call set. */
  readonly events: { readonly event: WatchEvent; readonly at: Instant }[];
}

export interface SessionRecord {
  readonly name: string;
  id: number;
  /** It took over a session that another client has used. */
  readonly moved: boolean;
  /** Wanted, ms. */
  readonly timeout: number;
  readonly opening: Instant;
  opened?: Instant;
  readonly calls: CallRecord[];
  readonly told: { readonly event: WatchEvent; readonly at: Instant }[];
  /** Requests in the order in which they were sent, once for each generation. */
  readonly sent: { readonly number: number; readonly generation: number; readonly operation: Operation }[];
  /** What its attachments are known by. */
  readonly tokens: Set<string>;
  /** Another client uses the session as well. */
  foreign: boolean;
  state: string;
  died?: Instant;
}

/** Everything that clients did and saw, and every request that reached the system. */
export class History {
  readonly sessions: SessionRecord[] = [];
  /** What REQ was given, by `session/generation/number`. */
  readonly requests = new Map<string, Operation>();
  /** Changes that were published where any client may listen. */
  readonly changes: Uint8Array[] = [];
  /** What is wrong already. */
  readonly violations: string[] = [];
  readonly #world: Surroundings;

  constructor(world: Surroundings) {
    this.#world = world;
    world.nats.onRequest = (_, payload) => this.#request(payload);
    world.nats.onChange = (payload) => this.changes.push(payload);
  }

  now(): Instant {
    const { scheduler, log } = this.#world;
    return { step: scheduler.steps, time: scheduler.now, committed: log.last };
  }

  begin(name: string, timeout: number, moved: boolean): SessionRecord {
    const session: SessionRecord = {
      name,
      id: 0,
      moved,
      timeout,
      opening: this.now(),
      calls: [],
      told: [],
      sent: [],
      tokens: new Set(),
      foreign: moved,
      state: 'connecting',
    };
    this.sessions.push(session);
    return session;
  }

  /** A client has published something below `req`. */
  published(session: SessionRecord, payload: Uint8Array): void {
    const message = decode(payload, 'request') as RequestMessage;
    if (message.type !== 'requests') {
      session.tokens.add(sessionToken(message.nonce));
      return;
    }
    const { generation } = message;
    for (const [index, raw] of message.operations.entries()) {
      const operation = raw as Operation;
      const number = message.first + index;
      if (operation.type === 'read') continue;
      const before = session.sent.findLast((one) => one.number === number && one.generation === generation);
      if (before === undefined) session.sent.push({ number, generation, operation });
      else if (!same(before.operation, operation))
        this.violations.push(`${session.name} sent two different requests as number ${number}`);
    }
  }

  #request(payload: Uint8Array): void {
    const message = decode(payload, 'request') as RequestMessage;
    if (message.type !== 'requests') return;
    for (const [index, operation] of message.operations.entries()) {
      this.requests.set(`${message.session}/${message.generation}/${message.first + index}`, operation as Operation);
    }
  }
}

export function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

/** The same text for the same content, whatever the order of keys; absent and undefined are the same. */
export function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes:${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => `${key}:${canonical(one)}`)
    .join(',')}}`;
}
