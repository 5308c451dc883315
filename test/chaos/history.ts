/** What happened in a run, in the order in which this process saw it: one JSON document a line. */
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

/** What a client asks for. Values are unique in a run. A version of -1 matches any. */
export type Operation =
  | { readonly f: 'create'; readonly path: string; readonly value: string }
  | { readonly f: 'ephemeral'; readonly path: string; readonly value: string }
  /** A sequential node below `path`. */
  | { readonly f: 'append'; readonly path: string; readonly value: string }
  | { readonly f: 'set'; readonly path: string; readonly value: string; readonly version: number }
  | { readonly f: 'delete'; readonly path: string; readonly version: number }
  | { readonly f: 'multi'; readonly sets: readonly { readonly path: string; readonly value: string }[] }
  /** With `sync`, a sync is sent right before it. With `watch`, a one-shot watch is set where the node exists. */
  | { readonly f: 'read'; readonly path: string; readonly sync: boolean; readonly watch: boolean };

/** A node as it was read or written. */
export interface Found {
  readonly path: string;
  readonly value: string;
  readonly version: number;
  readonly mzxid: number;
  /** Session that it ends with; 0: none. */
  readonly owner: number;
}

/** What a call was told. */
export interface Result {
  /** NoNode, NodeExists, BadVersion: an answer like any other. */
  readonly error?: string;
  /** Of a multi that was refused: the path to blame. */
  readonly path?: string;
  /** The node read or written; several of a multi, none of a delete. */
  readonly nodes: readonly Found[];
  /** zxid of the answer, where the protocol tells it: what the session has seen by now. */
  readonly zxid?: number;
}

export type Outcome =
  | { readonly type: 'ok'; readonly result: Result }
  /** Certainly nothing was done. */
  | { readonly type: 'fail'; readonly error: string }
  /** Nobody knows. */
  | { readonly type: 'info'; readonly error: string };

export type SessionChange = 'opened' | 'reattached' | 'closed' | 'expired' | 'lost';

export interface SessionEntry {
  readonly type: 'session';
  readonly session: string;
  readonly client: number;
  readonly kind: 'native' | 'gateway';
  readonly change: SessionChange;
  readonly id: number;
}

export interface WatchEntry {
  readonly type: 'event';
  readonly session: string;
  readonly event: string;
  readonly path: string;
  readonly zxid: number;
}

export interface FaultEntry {
  readonly type: 'fault';
  /** Number of the fault in this run. */
  readonly number: number;
  readonly fault: string;
  readonly phase: 'start' | 'end';
  readonly detail: string;
}

interface CallEntry {
  /** Number of the call in this run. */
  readonly call: number;
  readonly session: string;
  readonly client: number;
}

export type Entry =
  | (CallEntry & { readonly type: 'invoke'; readonly operation: Operation })
  | (CallEntry & Outcome)
  | SessionEntry
  | WatchEntry
  | FaultEntry
  /** What a reader found when everything was over. */
  | { readonly type: 'final'; readonly queue: readonly Found[]; readonly nodes: readonly (Found | { path: string })[] }
  /** The ephemeral nodes that were left at the end, and the sessions that lived then. */
  | { readonly type: 'ephemerals'; readonly there: readonly Found[]; readonly living: readonly string[] };

/** An entry with its time: ms of the monotonic clock since the run began. */
export type Timed<E = Entry> = E & { readonly at: number };

export class History {
  readonly entries: Timed[] = [];
  readonly #begun = performance.now();
  readonly #file: WriteStream | undefined;
  #calls = 0;

  /** @param file every entry is written to it as well. */
  constructor(file?: string) {
    this.#file = file === undefined ? undefined : createWriteStream(file);
  }

  /** ms since the run began. */
  now(): number {
    return Math.round((performance.now() - this.#begun) * 1_000) / 1_000;
  }

  /** Calls so far. */
  get calls(): number {
    return this.#calls;
  }

  nextCall(): number {
    return this.#calls++;
  }

  add(entry: Entry): void {
    const timed = { at: this.now(), ...entry };
    this.entries.push(timed);
    this.#file?.write(`${JSON.stringify(timed)}\n`);
  }

  async close(): Promise<void> {
    if (this.#file === undefined) return;
    this.#file.end();
    await finished(this.#file);
  }
}

/** One call, from its invocation to what became of it. */
export interface Call {
  readonly call: number;
  readonly session: string;
  readonly client: number;
  readonly operation: Operation;
  readonly invoked: number;
  /** undefined: nobody knows what became of it. */
  readonly returned: number | undefined;
  readonly outcome: Outcome;
}

/** The calls of a history, in the order of their invocations; one that never ended has an unknown outcome. */
export function callsOf(entries: readonly Timed[]): Call[] {
  const calls = new Map<number, Call>();
  for (const entry of entries) {
    if (entry.type === 'invoke') {
      const { call, session, client, operation, at } = entry;
      const outcome = { type: 'info', error: 'never answered' } as const;
      calls.set(call, { call, session, client, operation, invoked: at, returned: undefined, outcome });
    } else if ('call' in entry) {
      const call = calls.get(entry.call);
      if (call === undefined) throw new Error(`Call ${entry.call} ends without having begun`);
      const returned = entry.type === 'info' ? undefined : entry.at;
      calls.set(entry.call, { ...call, returned, outcome: outcomeOf(entry) });
    }
  }
  return [...calls.values()];
}

function outcomeOf(entry: Outcome): Outcome {
  return entry.type === 'ok' ? { type: 'ok', result: entry.result } : { type: entry.type, error: entry.error };
}
