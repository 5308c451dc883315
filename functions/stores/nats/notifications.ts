import { subjects } from '@faaskeeper/protocol';
import { headers, type NatsConnection } from 'nats';
import type { Notifications } from '../../core/ports.ts';
import type { Tracing } from '../../core/tracing.ts';
import { onConnectionChange } from './connection.ts';
import { isNoResponders, jetStreamRequest } from './jetstream-api.ts';
import { setTraceparent } from './origin.ts';
import { declareStream, type StreamSpec } from './streams.ts';

const FLUSH_TIMEOUT_MS = 5_000;
const STORE_TIMEOUT_MS = 5_000;
/** What may wait for a broken connection to come back; beyond it publications are lost, as core NATS may do. */
const WAITING_BYTES = 16 * 1024 * 1024;

/** Core NATS, and the streams SINK and DEAD of one instance, which come into being with their first message. */
export class NatsNotifications implements Notifications {
  readonly #connection: NatsConnection;
  readonly #spec: StreamSpec;
  readonly #backlog: Backlog;
  readonly #tracing: Tracing | undefined;

  constructor(connection: NatsConnection, spec: StreamSpec, options: { readonly tracing?: Tracing | undefined } = {}) {
    this.#connection = connection;
    this.#tracing = options.tracing;
    this.#spec = spec;
    this.#backlog = backlogOf(connection);
  }

  publish(subject: string, payload: Uint8Array): void {
    if (this.#backlog.admits(payload.length)) this.#connection.publish(subject, payload);
  }

  async flush(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`NATS did not answer within ${FLUSH_TIMEOUT_MS} ms`)),
        FLUSH_TIMEOUT_MS,
      );
    });
    const flushed = this.#connection.flush();
    flushed.catch(() => {});
    try {
      await Promise.race([flushed, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  subscribe(subject: string, handler: (payload: Uint8Array, subject: string) => void): { close(): void } {
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) handler(message.data, message.subject);
      },
    });
    return { close: () => subscription.unsubscribe() };
  }

  async store(subject: string, payload: Uint8Array, id: string): Promise<void> {
    try {
      await this.#store(subject, payload, id);
    } catch (error) {
      const stream = this.#lazyStream(subject);
      if (stream === undefined || !isNoResponders(error)) throw error;
      await declareStream(this.#connection, this.#spec, stream);
      await this.#store(subject, payload, id);
    }
  }

  async #store(subject: string, payload: Uint8Array, id: string): Promise<void> {
    const named = headers();
    named.set('Nats-Msg-Id', id);
    setTraceparent(named, this.#tracing);
    await jetStreamRequest(this.#connection, subject, payload, { timeoutMs: STORE_TIMEOUT_MS, headers: named });
  }

  #lazyStream(subject: string): 'sink' | 'dead' | undefined {
    const named = subjects(this.#spec.id);
    if (subject.startsWith(named.sink(''))) return 'sink';
    return subject.startsWith(named.dead('')) ? 'dead' : undefined;
  }
}

/** Bounds what the nats library buffers while it is disconnected. */
interface Backlog {
  admits(bytes: number): boolean;
}

const BACKLOGS = new WeakMap<NatsConnection, Backlog>();

function backlogOf(connection: NatsConnection): Backlog {
  const known = BACKLOGS.get(connection);
  if (known !== undefined) return known;
  let connected = true;
  let waiting = 0;
  const backlog: Backlog = {
    admits(bytes) {
      if (connection.isClosed()) return false;
      if (connected) return true;
      waiting += bytes;
      return waiting <= WAITING_BYTES;
    },
  };
  BACKLOGS.set(connection, backlog);
  onConnectionChange(connection, (now) => {
    connected = now;
    waiting = 0;
  });
  return backlog;
}
