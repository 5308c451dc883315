import {
  type Acl,
  decode,
  type ErrorCode,
  encode,
  type Identity,
  isErrorCode,
  MarshallingError,
  NewerFormatError,
  type NodeMeta,
  type RegistrationInfo,
} from '@faaskeeper/protocol';
import * as v from 'valibot';
import { fromRow, toRow } from './log-codec.ts';

/** What the system keeps of a session. */
export interface SessionRecord {
  readonly id: number;
  readonly generation: number;
  readonly password: Uint8Array;
  /** Seals replies. */
  readonly key: Uint8Array;
  /** Names the attachment's subject (sessionToken of the nonce of createSession or attach). */
  readonly token: string;
  /** Tokens of earlier attachments, the last ones: what is redelivered of those must not attach again. */
  readonly superseded?: readonly string[];
  /** The client that has the session: the nonce of its first attachment, hex. Absent: the client that opened it. */
  readonly holder?: string;
  /** Generation at which it took the session over. Absent: the first. */
  readonly heldSince?: number;
  /** Negotiated, ms. */
  readonly timeout: number;
  readonly identities: readonly Identity[];
  /** Time of its end, ms; 0 while it lives. */
  readonly ended: number;
  /** Nonce of createSession, hex: a repetition finds the session. */
  readonly nonce: string;
}

/** `data` is absent where the data did not change. `change` says what watches see; none sees `acl`. */
export type Effect =
  | {
      readonly type: 'put';
      readonly path: string;
      readonly change: 'created' | 'data' | 'acl' | 'children';
      readonly meta: NodeMeta;
      readonly data?: Uint8Array | null;
    }
  | {
      readonly type: 'delete';
      readonly path: string;
      readonly kind: NodeMeta['kind'];
      readonly ephemeralOwner: number;
      /** Where not everyone could read the node. */
      readonly acl?: readonly Acl[];
    }
  /** Changes nothing: the node's object is to be written anew. */
  | { readonly type: 'repair'; readonly path: string }
  | { readonly type: 'session'; readonly session: SessionRecord }
  | { readonly type: 'forget'; readonly session: number; readonly nonce: string }
  | { readonly type: 'register'; readonly registration: RegistrationInfo & { readonly session: number } }
  | { readonly type: 'unregister'; readonly path: string; readonly id: string };

/**
 * One transaction. `number` is the session's request number (0 for what has none: sessions being opened, requests of
 * the system, poison). Transactions that change nothing (sync, reads) share the zxid of their predecessor.
 */
export interface Transaction {
  readonly zxid: number;
  readonly session: number;
  readonly number: number;
  readonly error?: ErrorCode;
  /** What the client is told; also `Reply.result`. */
  readonly result?: unknown;
  readonly effects: readonly Effect[];
}

/** Request numbers of a session after an entry: results in [confirmedFrom, lowest) are dropped. */
export interface Progress {
  readonly session: number;
  readonly last: number;
  readonly lowest: number;
  readonly confirmedFrom: number;
}

/** What an instance holds: nodes, bytes of their data, living sessions. */
export type Totals = readonly [nodes: number, bytes: number, sessions: number];

/** One LOG message: one batch of transactions, appended by one writer at one sequence. Effects, not requests. */
export interface LogEntry {
  /** Tells this append from any other: resolves appends whose outcome is unknown. */
  readonly id: string;
  /** ms; the time of all its transactions. */
  readonly time: number;
  /** Last zxid before and after. */
  readonly zxidBefore: number;
  readonly zxid: number;
  readonly transactions: readonly Transaction[];
  readonly progress: readonly Progress[];
  /** After the entry; absent while they are not known. */
  readonly totals?: Totals;
}

/** 1: the entry by names. 2: by positions. */
const FORMAT = 2;
const NAMED_FORMAT = 1;
const format = v.picklist([FORMAT, NAMED_FORMAT]);
const envelope = v.variant('in', [
  v.object({ format, in: v.literal('message'), entry: v.unknown() }),
  /** The entry is in user storage: it does not fit a message (invariant 11, 15). */
  v.object({ format, in: v.literal('object'), id: v.string(), part: v.string() }),
]);

export function isLogEntry(value: unknown): value is LogEntry {
  const entry = value as Partial<LogEntry> | null;
  return (
    typeof entry === 'object' &&
    entry !== null &&
    typeof entry.id === 'string' &&
    Number.isSafeInteger(entry.zxid) &&
    Number.isSafeInteger(entry.zxidBefore) &&
    Array.isArray(entry.transactions) &&
    Array.isArray(entry.progress) &&
    entry.transactions.every(
      (t) => Array.isArray(t.effects) && (t.error === undefined || t.error === null || isErrorCode(t.error)),
    )
  );
}

export type LogPayload = { in: 'message'; entry: LogEntry } | { in: 'object'; id: string; part: string };

export function encodeLogPayload(payload: LogPayload): Uint8Array {
  return encode({ format: FORMAT, ...payload, ...(payload.in === 'message' ? { entry: toRow(payload.entry) } : {}) });
}

/**
 * @throws MarshallingError: the LOG holds only what writers put there, so this stops the lane, it is never skipped.
 * NewerFormatError: a newer release has written to it.
 */
export function decodeLogPayload(bytes: Uint8Array): LogPayload {
  const decoded = decode(bytes, 'LOG entry');
  const { format: claimed } = (decoded ?? {}) as { format?: unknown };
  if (typeof claimed === 'number' && claimed > FORMAT) {
    throw new NewerFormatError(`A LOG entry has format ${claimed}, this release knows ${FORMAT}`);
  }
  const parsed = v.safeParse(envelope, decoded);
  if (!parsed.success) throw new MarshallingError(`A LOG entry is not valid: ${parsed.issues[0].message}`);
  if (parsed.output.in === 'object') return parsed.output;
  const { format: known, entry: stored } = parsed.output;
  const entry = known === NAMED_FORMAT ? stored : fromRow(stored);
  if (!isLogEntry(entry)) throw new MarshallingError('A LOG entry is not valid');
  return { in: 'message', entry };
}
