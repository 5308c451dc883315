import { subjects } from '@faaskeeper/protocol';
import { headers, type NatsConnection } from 'nats';
import { type AppendOutcome, type Log, type LogMessage, LogTrimmedError } from '../../core/ports.ts';
import type { Tracing } from '../../core/tracing.ts';
import { API_ERROR, apiErrorCode, jetStreamRequest } from './jetstream-api.ts';
import { readByConsumer } from './log-reader.ts';
import { setTraceparent } from './origin.ts';

export interface LogOptions {
  /** An append without an answer after this time is `unknown`. Default 2 s. */
  readonly appendTimeoutMs?: number;
  /** An entry carries the span that appended it. */
  readonly tracing?: Tracing | undefined;
}

/** Up to so many messages are read one by one, in parallel: below it a consumer costs more. */
const DIRECT_READS = 8;
const DEFAULT_APPEND_TIMEOUT_MS = 2_000;

interface StoredMessage {
  readonly message: { readonly seq: number; readonly data?: string };
}

/** The LOG stream of an instance. Appends compare the last sequence, so a stale writer is refused by JetStream. */
export class JetStreamLog implements Log {
  readonly #connection: NatsConnection;
  readonly #stream: string;
  readonly #subject: string;
  readonly #appendTimeoutMs: number;
  readonly #tracing: Tracing | undefined;

  constructor(connection: NatsConnection, instance: string, options: LogOptions = {}) {
    const named = subjects(instance);
    this.#connection = connection;
    this.#stream = named.streams.log;
    this.#subject = named.log;
    this.#appendTimeoutMs = options.appendTimeoutMs ?? DEFAULT_APPEND_TIMEOUT_MS;
    this.#tracing = options.tracing;
  }

  async append(payload: Uint8Array, expectedLast: number, signal?: AbortSignal): Promise<AppendOutcome> {
    const expectations = headers();
    expectations.set('Nats-Expected-Stream', this.#stream);
    expectations.set('Nats-Expected-Last-Sequence', String(expectedLast));
    setTraceparent(expectations, this.#tracing);
    try {
      const acknowledged = jetStreamRequest<{ stream: string; seq: number }>(this.#connection, this.#subject, payload, {
        timeoutMs: this.#appendTimeoutMs,
        headers: expectations,
      });
      const { stream, seq } = await untilAborted(acknowledged, signal);
      if (stream === this.#stream && seq === expectedLast + 1) return { outcome: 'appended', sequence: seq };
      return {
        outcome: 'unknown',
        cause: new Error(`${stream} acknowledged sequence ${seq}, not ${expectedLast + 1}`),
      };
    } catch (cause) {
      return { outcome: isWrongLastSequence(cause) ? 'refused' : 'unknown', cause };
    }
  }

  async read(from: number, messages: number, signal?: AbortSignal): Promise<LogMessage[]> {
    const { first, last } = await this.bounds(signal);
    if (from < first) throw this.#trimmed(from, first);
    const count = Math.min(messages, last - from + 1);
    if (count <= 0) return [];
    const read =
      count <= DIRECT_READS
        ? await untilAborted(Promise.all(Array.from({ length: count }, (_, i) => this.#readOne(from + i))), signal)
        : await readByConsumer(this.#connection, this.#stream, from, count, signal);
    const contiguous: LogMessage[] = [];
    for (const message of read) {
      if (message?.sequence !== from + contiguous.length) break;
      contiguous.push(message);
    }
    if (contiguous.length > 0) return contiguous;
    // It was there a moment ago.
    const now = await this.bounds(signal);
    if (from < now.first) throw this.#trimmed(from, now.first);
    if (from > now.last) return [];
    throw new Error(`${this.#stream} holds ${now.first} to ${now.last} but gave no message at ${from}`);
  }

  async bounds(signal?: AbortSignal): Promise<{ first: number; last: number }> {
    const info = jetStreamRequest<{ state: { messages: number; first_seq: number; last_seq: number } }>(
      this.#connection,
      `$JS.API.STREAM.INFO.${this.#stream}`,
      '',
    );
    const { state } = await untilAborted(info, signal);
    return { first: state.messages === 0 ? state.last_seq + 1 : state.first_seq, last: state.last_seq };
  }

  async trim(sequence: number): Promise<void> {
    // A purge up to more than the last sequence would move the sequence of the next append.
    const { last } = await this.bounds();
    const upTo = Math.min(sequence, last);
    if (upTo < 1) return;
    await jetStreamRequest(this.#connection, `$JS.API.STREAM.PURGE.${this.#stream}`, JSON.stringify({ seq: upTo + 1 }));
  }

  async #readOne(sequence: number): Promise<LogMessage | undefined> {
    try {
      const { message } = await jetStreamRequest<StoredMessage>(
        this.#connection,
        `$JS.API.STREAM.MSG.GET.${this.#stream}`,
        JSON.stringify({ seq: sequence }),
      );
      return { sequence: message.seq, payload: Buffer.from(message.data ?? '', 'base64') };
    } catch (error) {
      if (apiErrorCode(error) === API_ERROR.noMessageFound) return undefined;
      throw error;
    }
  }

  #trimmed(from: number, first: number): LogTrimmedError {
    return new LogTrimmedError(`${this.#stream} is trimmed up to ${first - 1}: there is no message ${from} any more`);
  }
}

function isWrongLastSequence(error: unknown): boolean {
  const code = apiErrorCode(error);
  return code === API_ERROR.wrongLastSequence || code === API_ERROR.wrongLastSequenceInFlight;
}

/** The answer, or the signal's reason if it aborts before. */
async function untilAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return answer;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    answer.catch(() => {});
  }
}
