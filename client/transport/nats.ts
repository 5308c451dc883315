import { ConnectionLossError } from '@faaskeeper/protocol';
import { connect, Events, type NatsConnection } from 'nats';
import type { Messaging, Subscription } from '../ports.ts';

export interface NatsOptions {
  /** `nats://host:port`, several separated by commas. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** @throws ConnectionLossError when no server answers. */
export async function connectNats(options: NatsOptions, instance: string): Promise<Messaging> {
  const { url, user, password } = options;
  try {
    const connection = await connect({
      servers: url.split(',').map((server) => server.trim()),
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { pass: password }),
      inboxPrefix: `_INBOX_${instance}`,
      name: `faaskeeper-client-${instance}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 200,
      reconnectJitter: 200,
      pingInterval: 5_000,
      maxPingOut: 2,
      noAsyncTraces: true,
    });
    return new NatsMessaging(connection);
  } catch (cause) {
    throw new ConnectionLossError(`NATS at ${url} does not let instance ${instance} in`, { instance, cause });
  }
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

  publish(subject: string, payload: Uint8Array): void {
    if (!this.#connection.isClosed()) this.#connection.publish(subject, payload);
  }

  subscribe(subject: string, handler: (payload: Uint8Array) => void): Subscription {
    if (this.#connection.isClosed()) return { close: () => undefined };
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) handler(message.data);
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
