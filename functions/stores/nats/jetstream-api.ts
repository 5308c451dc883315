import { type MsgHdrs, type NatsConnection, NatsError } from 'nats';
import { natsRequest } from './requests.ts';

/** Codes of JetStream's API errors (nats-server, errors.json) that decide something here. */
export const API_ERROR = {
  streamNotFound: 10_059,
  streamNameInUse: 10_058,
  /** The servers of a cluster that have it are away. */
  streamOffline: 10_118,
  consumerNotFound: 10_014,
  noMessageFound: 10_037,
  wrongLastSequence: 10_071,
  /** The same, from a replicated stream with appends in flight. */
  wrongLastSequenceInFlight: 10_164,
  workQueueConsumerNotUnique: 10_100,
  workQueueMultipleUnfiltered: 10_099,
} as const;

/** JetStream refused a request: it is up, and this is its answer. */
export class JetStreamApiError extends Error {
  override name = 'JetStreamApiError';
  readonly errorCode: number;

  constructor(subject: string, errorCode: number, description: string) {
    super(`JetStream answered ${subject} with error ${errorCode}: ${description}`);
    this.errorCode = errorCode;
  }
}

interface ApiAnswer {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description?: string };
}

/** Default time that an answer of JetStream may take. */
export const API_TIMEOUT_MS = 5_000;

/**
 * One request to JetStream: an API subject, or a subject that a stream takes, whose answer is a PubAck.
 *
 * @throws JetStreamApiError for an error answer; NatsError for no answer (its code says which: TIMEOUT, 503, ...).
 */
export async function jetStreamRequest<T>(
  connection: NatsConnection,
  subject: string,
  payload: Uint8Array | string,
  options: { timeoutMs?: number; headers?: MsgHdrs } = {},
): Promise<T> {
  const { timeoutMs = API_TIMEOUT_MS, headers } = options;
  const answer = await natsRequest(connection, subject, payload, { timeoutMs, headers });
  const parsed = answer.json<T & ApiAnswer>();
  const { error } = parsed;
  if (error === undefined) return parsed;
  throw new JetStreamApiError(subject, error.err_code ?? error.code, error.description ?? 'no description');
}

/** The API error's code, whether it came through jetStreamRequest or the manager of the nats library. */
export function apiErrorCode(error: unknown): number | undefined {
  if (error instanceof JetStreamApiError) return error.errorCode;
  return error instanceof NatsError ? error.api_error?.err_code : undefined;
}

/** Nobody listens on the subject: no such stream, or JetStream is not up (yet). */
export function isNoResponders(error: unknown): boolean {
  return error instanceof NatsError && error.code === '503';
}
