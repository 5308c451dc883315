/**
 * The seams: all that the protocol core knows of the outside. Real adapters (JetStream, Redis, S3, core NATS) and a
 * seeded simulation implement them. Each is bound to one instance. Times are ms, sizes bytes.
 */
import type { Incidents } from './faults.ts';
import type { Tracing } from './tracing.ts';

export interface Clock {
  now(): number;
  /** Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Random {
  bytes(count: number): Uint8Array;
  /** 0 ≤ value < 1, for jitter. */
  fraction(): number;
}

export interface LogMessage {
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/**
 * `refused` decides nothing by itself (a deposed leader refuses correct appends), nor does `unknown` (no answer):
 * only an acknowledged append or an entry actually read does (invariant 1).
 */
export type AppendOutcome =
  | { readonly outcome: 'appended'; readonly sequence: number }
  | { readonly outcome: 'refused'; readonly cause?: unknown }
  | { readonly outcome: 'unknown'; readonly cause?: unknown };

/** The durable log of record. */
export interface Log {
  /** Appends if the last sequence is `expectedLast`. Never throws for an outage: that is `unknown`. */
  append(payload: Uint8Array, expectedLast: number, signal?: AbortSignal): Promise<AppendOutcome>;
  /**
   * Messages from `from` on, without gaps, at most `messages`; fewer or none when the log (or a stale replica of it)
   * ends before.
   *
   * @throws LogTrimmedError when `from` has been trimmed.
   */
  read(from: number, messages: number, signal?: AbortSignal): Promise<LogMessage[]>;
  /** First sequence still there and last sequence ever given; possibly stale. An empty log: first = last + 1. */
  bounds(signal?: AbortSignal): Promise<{ first: number; last: number }>;
  /** Removes messages up to and including `sequence`. */
  trim(sequence: number): Promise<void>;
}

export class LogTrimmedError extends Error {
  override name = 'LogTrimmedError';
}

/** Tables of the applied state; see tables.ts. */
export type Table =
  | 'node'
  | 'data'
  | 'session'
  | 'progress'
  | 'result'
  | 'nonce'
  | 'ephemeral'
  | 'timed'
  | 'registration'
  | 'quota'
  | 'total';

/** Names one value. Tables without groups use the group ''. */
export interface Address {
  readonly table: Table;
  readonly group: string;
  readonly key: string;
}

export interface Mutation extends Address {
  /** null removes. */
  readonly value: Uint8Array | null;
}

/** `generation` changes whenever the store was rebuilt; `applied` is the last LOG sequence applied. */
export interface StoreState {
  readonly generation: string;
  readonly applied: number;
  readonly zxid: number;
}

/**
 * The system store: the applied state, rebuildable at any time (invariant 3). All reads of one call are atomic with the
 * state they return.
 */
export interface SystemStore {
  /**
   * `values[i]` answers `addresses[i]`, null where there is none; `groups[i]` lists all of a group (key → value).
   * `state` is undefined when the store is empty: wiped, or, with `asleep`, emptied by `hibernate` at that sequence.
   */
  read(
    addresses: readonly Address[],
    groups?: readonly { table: Table; group: string }[],
  ): Promise<{
    state: StoreState | undefined;
    asleep?: number;
    values: (Uint8Array | null)[];
    groups: Map<string, Uint8Array>[];
  }>;
  /**
   * Applies the LOG entries behind `after` (default: `sequence - 1`) up to `sequence` atomically, if `applied` is `after`
   * and the generation fits. `gap`: it is something else below `sequence`.
   */
  apply(entry: {
    generation: string;
    after?: number;
    sequence: number;
    zxid: number;
    mutations: readonly Mutation[];
  }): Promise<'applied' | 'repeated' | 'gap' | 'other generation'>;
  /**
   * Fills a fresh namespace and switches to it atomically if the current generation is still `replaces` (undefined:
   * none). A slower concurrent rebuild loses and removes what it wrote.
   */
  rebuild(
    replaces: string | undefined,
    state: { applied: number; zxid: number },
    content: AsyncIterable<readonly Mutation[]>,
  ): Promise<'switched' | 'lost'>;
  /** Drops everything if the state is this one; false: it is not. */
  hibernate(state: Pick<StoreState, 'generation' | 'applied'>): Promise<boolean>;
  /** Pages through one group, for sweeps and counts; not atomic. */
  scan(table: Table, group: string): AsyncIterable<[key: string, value: Uint8Array][]>;
  /** The paper's timed lock: a fencing token, or undefined while another holder has it. */
  lock(name: string, holder: string, ttlMs: number): Promise<number | undefined>;
  extend(name: string, holder: string, ttlMs: number): Promise<boolean>;
  unlock(name: string, holder: string): Promise<boolean>;
}

export interface StoredObject {
  readonly body: Uint8Array;
  readonly etag: string;
}

/** `ifMatch`: only over that version; `absent`: only where there is none. */
export type PutCondition = { readonly ifMatch: string } | { readonly absent: true };

/** A place in LOG: everything up to it. */
export interface Position {
  readonly sequence: number;
  readonly zxid: number;
}

/**
 * How far user storage covers LOG, where it may be wiped or rolled back to an older state (Redis). Every put is bound to
 * what was loaded or advanced to last: it fails with OvertakenError where the storage has lost something since, or
 * another process writes there.
 */
export interface Coverage {
  /** Everything up to here is there; undefined: nothing that could be built on. */
  read(): Promise<Position | undefined>;
  /** The same; what follows is put on top of it. */
  load(): Promise<Position | undefined>;
  /** When the public objects of so many nodes are put, everything up to `to` is: the last of them may say so at once. */
  expect(to: Position, nodes: number): void;
  /** Everything up to here has been put; what is covered already stays so. @throws OvertakenError */
  advance(to: Position): Promise<void>;
  /** Removes all; nothing is covered until the next advance. */
  clear(): Promise<void>;
}

/** Somebody else has gone past what this process knows: its work is done already, or must begin anew. */
export class OvertakenError extends Error {
  override name = 'OvertakenError';
}

/** User storage (S3, or Redis and S3). An outage or time-out throws; the outcome is then unknown and the object must be read. */
export interface UserStorage {
  get(key: string, signal?: AbortSignal): Promise<StoredObject | undefined>;
  /** Without a condition only for immutable objects, whose name says their content. */
  put(
    key: string,
    body: Uint8Array,
    condition?: PutCondition,
    signal?: AbortSignal,
  ): Promise<{ outcome: 'written'; etag: string } | { outcome: 'conflict' }>;
  /** For immutable objects that nothing names any more. Missing keys are fine. */
  delete(keys: readonly string[]): Promise<void>;
  /** `kept` where the store has no conditional delete (the probe finds out) or the version is another. */
  deleteIf(key: string, etag: string): Promise<'deleted' | 'kept'>;
  list(prefix: string): AsyncIterable<string[]>;
  /** Absent: what was written stays. */
  readonly coverage?: Coverage;
}

/** Core NATS: may lose what it carries, keeps order per connection. */
export interface Notifications {
  publish(subject: string, payload: Uint8Array): void;
  /** Resolves when the server has what was published. */
  flush(): Promise<void>;
  subscribe(subject: string, handler: (payload: Uint8Array, subject: string) => void): { close(): void };
  /** Into a stream, acknowledged when stored; `id` makes a repetition within the stream's window harmless. */
  store(subject: string, payload: Uint8Array, id: string): Promise<void>;
}

export interface Stores {
  readonly log: Log;
  readonly system: SystemStore;
  readonly objects: UserStorage;
  readonly notifications: Notifications;
}

export interface Outside extends Stores {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly tracing?: Tracing | undefined;
  /** Counts what is found wrong; it is logged in any case. */
  readonly incidents?: Incidents | undefined;
}

/** The part of pino that the core uses. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** One message of a lane. */
export interface Delivery {
  readonly sequence: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Told where traces are wanted: when the message was stored (ms), and the span that sent it. */
  readonly origin?: { readonly storedAt: number; readonly traceparent?: string };
}

/** The ordered input of a lane (a JetStream consumer). */
export interface LaneSource {
  /**
   * Takes the lane over: deletes and re-creates its consumer at the first message that was not acknowledged, so that
   * order survives the hand-over. `after` (LOG): everything up to this sequence is known to be done.
   */
  open(after?: number): Promise<void>;
  /**
   * LOG holds a message of this sequence. A lane that nothing came to for long rests, and would not learn of it; others
   * do nothing.
   */
  expect(sequence: number): void;
  /**
   * Waits for a message, then takes all that is there, in order, within the bounds (at least one). Messages are
   * prefetched. After a lost connection or a restart of the server, what was not acknowledged may come again.
   *
   * @throws LaneTakenOverError when another owner has opened the lane; the signal's reason when it aborts.
   */
  next(bounds: { messages: number; bytes: number }, signal: AbortSignal): Promise<Delivery[]>;
  /** Everything up to and including this sequence is done. */
  acknowledge(sequence: number): void;
  close(): Promise<void>;
}

/** Another owner has opened the lane. */
export class LaneTakenOverError extends Error {
  override name = 'LaneTakenOverError';
}

/** An HTTP sink of registered watches. */
export interface Sinks {
  /** Resolves with the status code; rejects when there is no answer within `timeoutMs`. */
  post(
    url: string,
    event: {
      id: string;
      type: string;
      source: string;
      subject: string;
      time: string;
      extensions: Record<string, string | number>;
      data: unknown;
    },
    timeoutMs: number,
  ): Promise<number>;
}
