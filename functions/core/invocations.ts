import { bytesSchema } from '@faaskeeper/protocol';
import * as v from 'valibot';

/**
 * What the trigger POSTs to the functions: one CloudEvent each (HTTP binary mode), the batch as its data in MessagePack
 * (content type application/msgpack). Attributes: `type` as below, `source` /faaskeeper/trigger, `subject` the instance
 * id, `id` unique. The answer's body is MessagePack as well. Any invocation may come twice, late, or at the same time as
 * its own repetition.
 */
export const EVENT_TYPES = {
  requests: 'io.faaskeeper.requests.v1',
  transactions: 'io.faaskeeper.transactions.v1',
  checkpoint: 'io.faaskeeper.checkpoint.v1',
  suspects: 'io.faaskeeper.suspects.v1',
  sweep: 'io.faaskeeper.sweep.v1',
  changes: 'io.faaskeeper.changes.v1',
} as const;

export const DATA_CONTENT_TYPE = 'application/msgpack';

/** The timed lock that the trigger holds while it serves an instance. */
export const TRIGGER_LOCK = 'lane:trigger';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

/** REQ → writer. `subject` tells requests of the system (subjects.systemRequest) from those of clients. */
export const requestsInvocationSchema = v.object({
  /** Newest watermark (zxid) that the trigger knows. */
  watermark: whole,
  requests: v.array(v.object({ subject: v.string(), payload: bytesSchema })),
});
export type RequestsInvocation = v.InferOutput<typeof requestsInvocationSchema>;

/** A session as the trigger must know it: to answer its beats and to suspect it. `timeout` 0: it has ended. */
export const sessionTicketSchema = v.object({
  id: whole,
  generation: whole,
  token: v.string(),
  password: bytesSchema,
  timeout: whole,
  /** ms; with timeout 0: when it ended. */
  ended: whole,
});
export type SessionTicket = v.InferOutput<typeof sessionTicketSchema>;

export const requestsAnswerSchema = v.object({
  /** Last LOG sequence and zxid that are known to be durable. */
  sequence: whole,
  zxid: whole,
  /** Sessions opened, attached or ended by this batch. */
  sessions: v.array(sessionTicketSchema),
  /** Containers or TTL nodes were created: the sweep has something to look at. */
  timed: v.boolean(),
  /** Registrations made or (with `removed`) dropped by this batch. */
  registrations: v.array(v.object({ id: v.string(), removed: v.boolean() })),
});
export type RequestsAnswer = v.InferOutput<typeof requestsAnswerSchema>;

/** LOG → distributor, in order; it fetches what is missing and ignores what it has. */
export const transactionsInvocationSchema = v.object({
  messages: v.array(v.object({ sequence: whole, payload: bytesSchema })),
});
export type TransactionsInvocation = v.InferOutput<typeof transactionsInvocationSchema>;

export const transactionsAnswerSchema = v.object({
  /** Everything up to this LOG sequence and zxid is visible. */
  sequence: whole,
  watermark: whole,
  /** The trigger should ask for a checkpoint. */
  checkpointDue: v.boolean(),
  /** The same nodes are written again and again: it costs less to let changes gather for so long (ms), if more come. */
  gatherMs: v.optional(whole),
});
export type TransactionsAnswer = v.InferOutput<typeof transactionsAnswerSchema>;

/** Asks the distributor for a checkpoint; `hibernate`: and to drop the applied state, if nothing is newer than that. */
export const checkpointInvocationSchema = v.object({ hibernate: v.optional(v.boolean()) });
export type CheckpointInvocation = v.InferOutput<typeof checkpointInvocationSchema>;
/** `hibernates`: the system store holds nothing any more. */
export const checkpointAnswerSchema = v.object({ sequence: whole, hibernates: v.optional(v.boolean()) });
export type CheckpointAnswer = v.InferOutput<typeof checkpointAnswerSchema>;

/** Asks the heartbeat function to ping sessions and to submit the expiry of those that do not answer. */
export const suspectsInvocationSchema = v.object({ sessions: v.array(sessionTicketSchema) });
export type SuspectsInvocation = v.InferOutput<typeof suspectsInvocationSchema>;
export const suspectsAnswerSchema = v.object({ alive: v.array(whole), expired: v.array(whole) });
export type SuspectsAnswer = v.InferOutput<typeof suspectsAnswerSchema>;

/** Asks the heartbeat function to submit the deletion of containers and TTL nodes that are due, and to forget ended sessions. */
export const sweepInvocationSchema = v.object({
  forget: v.array(whole),
  /** False: it is not yet time to look at containers and TTL nodes. */
  timed: v.optional(v.boolean()),
});
export type SweepInvocation = v.InferOutput<typeof sweepInvocationSchema>;
/** `timed`: how many containers and TTL nodes are left to look at. */
export const sweepAnswerSchema = v.object({ timed: whole });
export type SweepAnswer = v.InferOutput<typeof sweepAnswerSchema>;

/** SINK → watch function: events of one registration in order (sinkEventSchema each). */
export const changesInvocationSchema = v.object({
  registration: v.string(),
  events: v.array(v.object({ sequence: whole, payload: bytesSchema })),
});
export type ChangesInvocation = v.InferOutput<typeof changesInvocationSchema>;
/** Delivered (or dead-lettered) up to this sequence; the rest is to be sent again after `retryMs`. */
export const changesAnswerSchema = v.object({ sequence: whole, retryMs: whole });
export type ChangesAnswer = v.InferOutput<typeof changesAnswerSchema>;

/** What the distributor puts into the SINK stream, one message a change and registration. */
export const sinkEventSchema = v.object({
  registration: v.string(),
  sink: v.string(),
  path: v.string(),
  kind: v.picklist(['created', 'deleted', 'data', 'children']),
  zxid: whole,
  /** Time of the transaction, ms. */
  time: whole,
});
export type SinkEvent = v.InferOutput<typeof sinkEventSchema>;
