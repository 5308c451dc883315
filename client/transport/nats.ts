import { ConnectionLossError } from '@faaskeeper/protocol';
import { type ConnectionOptions, connect, Events, headers, type NatsConnection } from 'nats';
import type { Messaging, Subscription } from '../ports.ts';
import { credsOf, type NatsCreds } from './nats-creds.ts';
import { trusting } from './trust.ts';

export interface NatsOptions {
  /** `nats://host:port`, several separated by commas. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Instead of user and password. */
  readonly creds?: NatsCreds | undefined;
  /** Certificates (PEM) that a `tls://` server may be signed by, besides the usual ones. */
  readonly ca?: string | undefined;
}

/** @throws ConnectionLossError when no server lets us in. */
export async function connectNats(options: NatsOptions, instance: string): Promise<Messaging> {
  try {
    const connection = await connect({
      ...accessOf(options),
      inboxPrefix: `_INBOX_${instance}`,
      name: `faaskeeper-client-${instance}`,
      // An attempt that nobody answers: behind a Service, that is a server that has just gone. The library waits for 20 s.
      timeout: 3_000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 200,
      reconnectJitter: 200,
      pingInterval: 5_000,
      maxPingOut: 2,
      noAsyncTraces: true,
      // Credentials that have ended are renewed in time, or a little later.
      ignoreAuthErrorAbort: true,
    });
    return new NatsMessaging(connection);
  } catch (cause) {
    throw new ConnectionLossError(`NATS at ${options.url} does not let instance ${instance} in`, { instance, cause });
  }
}

/** Where the servers are and what we show them. */
export function accessOf({ url, user, password, creds, ca }: NatsOptions): ConnectionOptions {
  return {
    servers: url.split(',').map((server) => server.trim()),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(creds === undefined ? {} : { authenticator: credsOf(creds) }),
    // Given where a server has no TLS, it would be refused.
    ...(ca === undefined || !/^(tls|wss):/.test(url) ? {} : { tls: { ca: trusting(ca) } }),
  };
}

class NatsMessaging implements Messaging {
  readonly #connection: NatsConnection;
  #connected = true;
  #handler: ((connected: boolean) => void) | undefined;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    void this.#follow();
    void connection.closed().then(() => this.#changed(false));
  }

  get connected(): boolean {
    return this.#connected;
  }

  get maxPayload(): number {
    return this.#connection.info?.max_payload ?? 1_048_576;
  }

  publish(subject: string, payload: Uint8Array, traceparent?: string): void {
    if (this.#connection.isClosed()) return;
    if (traceparent === undefined) {
      this.#connection.publish(subject, payload);
      return;
    }
    const traced = headers();
    traced.set('traceparent', traceparent);
    this.#connection.publish(subject, payload, { headers: traced });
  }

  subscribe(subject: string, handler: (payload: Uint8Array, subject: string) => void): Subscription {
    if (this.#connection.isClosed()) return { close: () => undefined };
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) handler(message.data, message.subject);
      },
    });
    return { close: () => subscription.unsubscribe() };
  }

  onConnection(handler: (connected: boolean) => void): void {
    this.#handler = handler;
  }

  async close(): Promise<void> {
    this.#handler = undefined;
    // What was published last (a closeSession's retry, a beat) needs no guarantee; a flush to a dead server would hang.
    await this.#connection.close();
  }

  async #follow(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === Events.Disconnect) this.#changed(false);
      else if (status.type === Events.Reconnect) this.#changed(true);
    }
  }

  #changed(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    this.#handler?.(connected);
  }
}
