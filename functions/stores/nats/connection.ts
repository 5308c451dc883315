import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Authenticator, connect, credsAuthenticator, Events, type NatsConnection } from 'nats';

export interface NatsOptions {
  /** One or more servers, separated by commas. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Path of a .creds file (JWT and seed) instead of user and password; it is read at every connect. */
  readonly credsFile?: string | undefined;
  /** Shown in the server's connection list. */
  readonly name: string;
  /** First token(s) of reply subjects; permissions may depend on it. Default `_INBOX`. */
  readonly inboxPrefix?: string | undefined;
  /** How long the first connection may take before connectNats rejects. Default 15 s. */
  readonly connectTimeoutMs?: number;
}

/** Bounds of the connection, ms. */
const BOUNDS = {
  firstConnect: 15_000,
  attempt: 2_000,
  reconnectWaitMin: 20,
  reconnectWaitSpread: 230,
  /** A dead peer is noticed after two of them. */
  ping: 4_000,
} as const;

/**
 * Reconnects for ever, after short jittered waits; only the first connection has a deadline.
 *
 * @throws when no server lets us in within it, or the .creds file cannot be used.
 */
export async function connectNats(options: NatsOptions): Promise<NatsConnection> {
  const authenticator = options.credsFile === undefined ? undefined : fileAuthenticator(options.credsFile);
  const deadline = Date.now() + (options.connectTimeoutMs ?? BOUNDS.firstConnect);
  for (;;) {
    try {
      return await connect({
        servers: options.url.split(',').map((server) => server.trim()),
        name: options.name,
        ...(options.user === undefined ? {} : { user: options.user }),
        ...(options.password === undefined ? {} : { pass: options.password }),
        ...(authenticator === undefined ? {} : { authenticator }),
        ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
        timeout: BOUNDS.attempt,
        pingInterval: BOUNDS.ping,
        maxPingOut: 2,
        maxReconnectAttempts: -1,
        reconnectDelayHandler: reconnectWaitMs,
        // Credentials may be replaced while we run: a refusal is not the end.
        ignoreAuthErrorAbort: true,
        // A stack trace for each request costs more than the request.
        noAsyncTraces: true,
      });
    } catch (cause) {
      if (Date.now() >= deadline) {
        throw new Error(`No connection to NATS at ${options.url}: ${(cause as Error).message}`, { cause });
      }
      await sleep(reconnectWaitMs());
    }
  }
}

/** Credentials may be replaced while we run. What was read last counts while the file is missing or half written. */
function fileAuthenticator(file: string): Authenticator {
  let good: Authenticator | undefined;
  const authenticate: Authenticator = (nonce) => {
    try {
      const now = credsAuthenticator(readFileSync(file));
      const answer = now(nonce);
      good = now;
      return answer;
    } catch (error) {
      if (good === undefined) throw error;
      return good(nonce);
    }
  };
  try {
    authenticate('');
  } catch (cause) {
    throw new Error(`${file} is no .creds file of NATS: ${(cause as Error).message}`, { cause });
  }
  return authenticate;
}

export function reconnectWaitMs(): number {
  return BOUNDS.reconnectWaitMin + Math.random() * BOUNDS.reconnectWaitSpread;
}

const WATCHERS = new WeakMap<NatsConnection, Set<(connected: boolean) => void>>();

/** Calls `changed` whenever the connection breaks (false) and when it is back (true). Returns how to stop that. */
export function onConnectionChange(connection: NatsConnection, changed: (connected: boolean) => void): () => void {
  let watchers = WATCHERS.get(connection);
  if (watchers === undefined) {
    watchers = new Set();
    WATCHERS.set(connection, watchers);
    void announce(connection, watchers);
  }
  watchers.add(changed);
  return () => void watchers.delete(changed);
}

async function announce(connection: NatsConnection, watchers: Set<(connected: boolean) => void>): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type !== Events.Disconnect && type !== Events.Reconnect) continue;
    for (const changed of [...watchers]) changed(type === Events.Reconnect);
  }
}
