import type { LinkMessage } from './session/link.ts';
import type { ClientTracer } from './tracing.ts';

/**
 * The seams of the client: all that session, reads, watches and cache know of the outside. `transport/` implements them
 * over NATS and S3; a seeded simulation implements them too. Times are ms, sizes bytes.
 */

export interface Subscription {
  close(): void;
}

/** Core NATS: may lose what it carries, keeps order per connection. */
export interface Messaging {
  readonly connected: boolean;
  /** Largest payload that the server takes. */
  readonly maxPayload: number;
  /** `traceparent`: the trace that the message is part of. */
  publish(subject: string, payload: Uint8Array, traceparent?: string): void;
  /** The handler is told the subject, too: a subscription may be for several. */
  subscribe(subject: string, handler: (payload: Uint8Array, subject: string) => void): Subscription;
  /** Called with false when the connection breaks and with true when it is back, subscriptions and all. */
  onConnection(handler: (connected: boolean) => void): void;
  close(): Promise<void>;
}

/** User storage as a client may use it. */
export interface ObjectReader {
  /**
   * undefined when there is no such object. Rejects on an outage, and with StorageBehindError where the storage cannot
   * say that everything up to zxid `covered` is visible in what it answers.
   */
  get(key: string, signal?: AbortSignal, covered?: number): Promise<Uint8Array | undefined>;
  close(): void;
}

/** User storage has lost something that was visible; it comes back when the distributor finds out. */
export class StorageBehindError extends Error {
  override name = 'StorageBehindError';
}

export interface Timer {
  cancel(): void;
}

export interface Clock {
  now(): number;
  /** A pending timer keeps no process alive. */
  timer(ms: number, run: () => void): Timer;
  /** Runs after everything that is going on in this turn of the event loop. */
  soon(run: () => void): void;
}

export interface Random {
  bytes(count: number): Uint8Array;
  /** 0 ≤ value < 1, for jitter. */
  fraction(): number;
}

/** Where the messages of many sessions of one process leave and arrive together (a gateway's). */
export interface Mailbox {
  readonly secret: Uint8Array;
  /** Seals what arrives. */
  readonly key: Uint8Array;
  /** `token` names an attachment below the mailbox. */
  receive(token: string, handler: (message: LinkMessage) => void): Subscription;
  /** Sends a message of a session, with those of others. */
  post(subject: string, payload: Uint8Array): void;
}

/** Told of each read of a node that failed, and is repeated: an outage of user storage, or damage. */
export type OnReadFailure = (path: string, error: unknown) => void;

export interface Outside {
  readonly messaging: Messaging;
  readonly objects: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
  /** Default: each attachment has its own way back. */
  readonly mailbox?: Mailbox | undefined;
  /** Default: no traces. */
  readonly tracer?: ClientTracer | undefined;
  readonly onReadFailure?: OnReadFailure | undefined;
}
