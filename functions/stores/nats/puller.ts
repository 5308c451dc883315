import type { Msg, NatsConnection, Subscription } from 'nats';
import type { Delivery } from '../../core/ports.ts';
import { inboxOf } from './requests.ts';

/** A message of a consumer. `consumerSequence` counts deliveries: a gap in it means that one was lost on its way. */
export interface PulledMessage {
  readonly sequence: number;
  readonly consumerSequence: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Where its acknowledgement goes. */
  readonly reply: string;
  readonly origin?: Delivery['origin'];
}

/** Answers to a pull that are no messages. `404`, `408` and most `409` just end the pull. */
export type PullStatus = { readonly code: number; readonly description: string };

export interface PullHandlers {
  message(message: PulledMessage): void;
  /** The pull has ended, with all its messages or before; `status` says why in the latter case. */
  ended(status: PullStatus | undefined): void;
  /** Where a message comes from, if that is to be told. */
  readonly origin?: ((message: Msg) => Delivery['origin']) | undefined;
  /** The server is alive though it has no message. */
  heartbeat?(): void;
}

export interface PullRequest {
  readonly batch: number;
  readonly maxBytes?: number;
  /** ms; without it the pull ends at the last message that is there now. */
  readonly expiresMs?: number;
  readonly heartbeatMs?: number;
}

const NANOS_PER_MS = 1_000_000;
const HEARTBEAT = 100;

/** Pulls from one JetStream consumer, one pull at a time. */
export class Puller {
  readonly #connection: NatsConnection;
  readonly #subject: string;
  readonly #inbox: string;
  readonly #handlers: PullHandlers;
  readonly #subscription: Subscription;
  #pulls = 0;
  /** Messages that were asked for and have not come. */
  #left = 0;

  constructor(connection: NatsConnection, stream: string, consumer: string, handlers: PullHandlers) {
    this.#connection = connection;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    this.#inbox = inboxOf(connection);
    this.#handlers = handlers;
    this.#subscription = connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#receive(message);
        else this.#end({ code: 0, description: error.message });
      },
    });
  }

  get pulling(): boolean {
    return this.#left > 0;
  }

  pull(request: PullRequest): void {
    this.#left = request.batch;
    this.#pulls++;
    const body = {
      batch: request.batch,
      ...(request.maxBytes === undefined ? {} : { max_bytes: request.maxBytes }),
      ...(request.expiresMs === undefined ? { no_wait: true } : { expires: request.expiresMs * NANOS_PER_MS }),
      ...(request.heartbeatMs === undefined ? {} : { idle_heartbeat: request.heartbeatMs * NANOS_PER_MS }),
    };
    this.#connection.publish(this.#subject, JSON.stringify(body), { reply: `${this.#inbox}.${this.#pulls}` });
  }

  close(): void {
    this.#left = 0;
    this.#subscription.unsubscribe();
  }

  /** Messages carry the subject that they were published to, statuses the one that names the pull. */
  #receive(message: Msg): void {
    const delivered = message.reply === undefined ? undefined : parseReply(message.reply);
    if (delivered !== undefined) {
      const origin = this.#handlers.origin?.(message);
      const from = origin === undefined ? undefined : { origin };
      this.#handlers.message({ ...delivered, subject: message.subject, payload: message.data, ...from });
      if (this.#left > 0 && --this.#left === 0) this.#handlers.ended(undefined);
      return;
    }
    const code = message.headers?.code ?? 0;
    if (code === HEARTBEAT) this.#handlers.heartbeat?.();
    else if (message.subject === `${this.#inbox}.${this.#pulls}`) {
      this.#end({ code, description: message.headers?.description ?? '' });
    }
  }

  #end(status: PullStatus): void {
    this.#left = 0;
    this.#handlers.ended(status);
  }
}

/** `$JS.ACK.[domain.account.]stream.consumer.deliveries.sequence.consumerSequence.time.pending[.token]` */
function parseReply(reply: string): Omit<PulledMessage, 'subject' | 'payload' | 'origin'> | undefined {
  const tokens = reply.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined;
  const shift = tokens.length > 9 ? 2 : 0;
  const sequence = Number(tokens[5 + shift]);
  const consumerSequence = Number(tokens[6 + shift]);
  return Number.isSafeInteger(sequence) && Number.isSafeInteger(consumerSequence)
    ? { sequence, consumerSequence, reply }
    : undefined;
}
