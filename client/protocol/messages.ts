import * as v from 'valibot';
import { bytesSchema } from './encoding.ts';
import { type ErrorCode, isErrorCode } from './errors.ts';
import { LIMITS } from './limits.ts';
import { operationSchema } from './operations.ts';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const errorCode = v.custom<ErrorCode>(isErrorCode, 'unknown error code');
const key = v.pipe(bytesSchema, v.length(32));
const secret = v.pipe(bytesSchema, v.length(16));

/** Opens a session. The nonce makes a re-sent one return the first session; the key seals all replies. */
export const createSessionSchema = v.object({
  type: v.literal('createSession'),
  nonce: secret,
  key,
  /** Wanted timeout in ms; the writer clamps it. */
  timeout: whole,
});
export type CreateSession = v.InferOutput<typeof createSessionSchema>;

/** Attaches to a session by id and password; raises its generation (invariant 4). */
export const attachSchema = v.object({
  type: v.literal('attach'),
  session: whole,
  password: secret,
  nonce: secret,
  key,
  timeout: whole,
  /** Names the client: the nonce of its first attachment to this session. Absent: this is its first. */
  holder: v.optional(secret),
});
export type Attach = v.InferOutput<typeof attachSchema>;

const identity = v.object({ scheme: v.string(), id: v.string() });
const trusted = {
  /**
   * What a gateway says of a connection that it has (its address, its certificate). It replaces what the session was
   * authenticated as: ZooKeeper ties that to the connection. Absent: that stays.
   */
  identities: v.optional(v.array(identity)),
  /** Names the mailbox of a process that has many sessions: one subscription, and one message for replies to many. */
  mailbox: v.optional(secret),
};
/** How a gateway opens sessions: on the system's subject, where no client can publish. */
export const trustedOpeningSchema = v.variant('type', [
  v.object({ ...createSessionSchema.entries, ...trusted }),
  v.object({ ...attachSchema.entries, ...trusted }),
]);
export type TrustedOpening = v.InferOutput<typeof trustedOpeningSchema>;

/**
 * Consecutive requests of one attachment: `operations[i]` has number `first + i`. `lowest` is the session's lowest
 * unanswered number; results below it are dropped. The password authenticates: only the system can read REQ.
 */
export const requestsSchema = v.object({
  type: v.literal('requests'),
  session: whole,
  generation: whole,
  password: secret,
  first: v.pipe(v.number(), v.integer(), v.minValue(1)),
  lowest: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** Each is validated on its own by the writer, so that a bad one is answered by its number. */
  operations: v.pipe(v.array(v.unknown()), v.minLength(1), v.maxLength(LIMITS.requestsPerMessage)),
});
export type Requests = Omit<v.InferOutput<typeof requestsSchema>, 'operations'> & { operations: unknown[] };

export const requestMessageSchema = v.variant('type', [createSessionSchema, attachSchema, requestsSchema]);
/** Messages of clients (RequestMessage), of any sessions, that a gateway sends at once: no more than any could send. */
export const bundleSchema = v.object({
  type: v.literal('bundle'),
  messages: v.pipe(v.array(bytesSchema), v.minLength(1), v.maxLength(LIMITS.bundleMessages)),
});
export type RequestMessage = v.InferOutput<typeof requestMessageSchema>;
export { operationSchema };

/** Answer to createSession and attach. */
export const sessionOpenedSchema = v.object({
  type: v.literal('opened'),
  session: whole,
  generation: whole,
  password: secret,
  timeout: whole,
  zxid: whole,
  /** Number that the next request must have. */
  next: whole,
  /** The first generation since which no other client has attached: request numbers from before say nothing. */
  heldSince: whole,
  /** The newest watermark (zxid) that the system knew when it answered. */
  watermark: whole,
});
export type SessionOpened = v.InferOutput<typeof sessionOpenedSchema>;

/** The session cannot be opened, or is gone: SessionExpired, SessionMoved, AuthFailed. */
export const sessionRefusedSchema = v.object({ type: v.literal('refused'), error: errorCode, generation: whole });
export type SessionRefused = v.InferOutput<typeof sessionRefusedSchema>;

export const replySchema = v.object({
  number: whole,
  zxid: whole,
  error: v.optional(errorCode),
  result: v.optional(v.unknown()),
});
/**
 * Answer to one request. `result` by operation: create CreateResult, setData and setACL Stat, multi
 * MultiOperationResult[] (or, with `error`, ErrorCode[] with one entry an operation), read ReadResult, addAuth the
 * identities that it gave, and so on.
 */
export type Reply = v.InferOutput<typeof replySchema>;

export const repliesSchema = v.object({
  type: v.literal('replies'),
  generation: whole,
  replies: v.array(replySchema),
});
export type Replies = v.InferOutput<typeof repliesSchema>;

/** There is a gap before a request that arrived: send again from number `from`. */
export const gapSchema = v.object({ type: v.literal('gap'), generation: whole, from: whole });
export type Gap = v.InferOutput<typeof gapSchema>;

/** What is sealed with the session's key. */
export const sealedMessageSchema = v.variant('type', [
  sessionOpenedSchema,
  sessionRefusedSchema,
  repliesSchema,
  gapSchema,
]);
export type SealedMessage = v.InferOutput<typeof sealedMessageSchema>;

/** On a mailbox's subject, sealed with the key that its attachments share: `to` is the rest of an attachment's token. */
export const mailSchema = v.object({ letters: v.array(v.object({ to: v.string(), message: sealedMessageSchema })) });
export type Mail = v.InferOutput<typeof mailSchema>;

/** Client → trigger, core NATS; answers a ping as well. */
export const beatSchema = v.object({ generation: whole, password: secret, id: whole });
export type Beat = v.InferOutput<typeof beatSchema>;

/** Trigger → client: answers beat `id` with the newest watermark, so that a lost one heals (invariant 11). */
export const beatAnswerSchema = v.object({
  type: v.literal('beat'),
  id: whole,
  watermark: whole,
  /** Why the instance takes no writes, if so. */
  halted: v.optional(v.string()),
});
/** Heartbeat function → client: answer with a beat at once. */
export const pingSchema = v.object({ type: v.literal('ping'), generation: whole });
/** On a session's subject: sealed messages, answers to beats and pings. */
export const sessionMessageSchema = v.variant('type', [
  v.object({ type: v.literal('sealed'), body: bytesSchema }),
  beatAnswerSchema,
  pingSchema,
]);
export type SessionMessage = v.InferOutput<typeof sessionMessageSchema>;

const aclEntry = v.object({ scheme: v.string(), id: v.string(), permissions: v.number() });

/**
 * What happened to a node: `children` is on the parent of a created or deleted node; `acl` fires no watch but outdates
 * what was read.
 */
export const CHANGE_KINDS = ['created', 'deleted', 'data', 'children', 'acl'] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/**
 * Changes of one node in one distribution, oldest first; order across nodes is (zxid, index). On the system's subjects
 * it comes besides, with all changes of the node, where some are not for everyone: those carry the ACL that says who may
 * hear of them.
 */
export const changeMessageSchema = v.object({
  path: v.string(),
  changes: v.array(
    v.object({ zxid: whole, index: whole, kind: v.picklist(CHANGE_KINDS), acl: v.optional(v.array(aclEntry)) }),
  ),
});
export type ChangeMessage = v.InferOutput<typeof changeMessageSchema>;

/**
 * What the batch behind zxid `previous`, up to `zxid`, changed: all of it, and all of it for everyone. The writer tells it
 * when it is durable, on the subjects of all paths that it names; it is not visible yet. For those who watch and have been
 * told everything up to `previous`; who has not ignores it, as the distributor's change messages and the watermark
 * follow in any case.
 */
export const committedMessageSchema = v.object({
  previous: whole,
  zxid: whole,
  changes: v.array(v.object({ path: v.string(), zxid: whole, index: whole, kind: v.picklist(CHANGE_KINDS) })),
});
export type CommittedMessage = v.InferOutput<typeof committedMessageSchema>;
/** All that comes on the subject of a path. */
export const feedMessageSchema = v.union([changeMessageSchema, committedMessageSchema]);

/**
 * The watermark: every transaction up to `zxid` is visible in user storage. `entries` lists, for what changed after
 * `previous`, digest (feedDigest, 8 bytes big-endian) and the zxid of its last change (float64 big-endian), 16 bytes
 * each; null means too many. Digests are of changed paths (parents of created and deleted nodes among them), and, with
 * `subtree`, of every ancestor-or-self of a node that anyone may read; where several nodes are told of at or below a
 * path, their number is listed as well (countDigest). The system's watermark also lists what its own change messages tell
 * (protectedDigest).
 */
export const watermarkSchema = v.object({
  zxid: whole,
  previous: whole,
  entries: v.nullable(bytesSchema),
});
export type Watermark = v.InferOutput<typeof watermarkSchema>;

const ENTRY_BYTES = 16;

export function encodeWatermarkEntries(entries: ReadonlyMap<bigint, number>): Uint8Array {
  const bytes = new Uint8Array(entries.size * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [digest, zxid] of entries) {
    view.setBigUint64(at, digest);
    view.setFloat64(at + 8, zxid);
    at += ENTRY_BYTES;
  }
  return bytes;
}

export function decodeWatermarkEntries(bytes: Uint8Array): Map<bigint, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<bigint, number>();
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    entries.set(view.getBigUint64(at), view.getFloat64(at + 8));
  }
  return entries;
}
