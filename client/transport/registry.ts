import { INSTANCES_BUCKET, type InstanceSpec, instanceSpecSchema, validate } from '@faaskeeper/protocol';
import { connect, Events, type NatsConnection, NatsError } from 'nats';
import { accessOf, type NatsOptions } from './nats.ts';

/** What becomes of the declared instances. */
export interface RegistryHandlers {
  onDeclared(spec: InstanceSpec): void;
  onRemoved(id: string): void;
  /** All instances that are declared now have been told of; others are gone. Again after each reconnect. */
  onListed(ids: ReadonlySet<string>): void;
  onError(error: unknown): void;
}

/** ms */
const BOUNDS = {
  /** After a failure, before the next attempt. */
  retry: 500,
  /** Listed anew so often, in case that something was missed without a disconnect. */
  relist: 5 * 60_000,
  attempt: 2_000,
  ping: 5_000,
} as const;

/**
 * Follows the registry of instances, on a connection of its own and for ever: an outage, also at the start, is told to
 * `onError` and waited out, and what was told before holds meanwhile.
 */
export function followRegistry(options: NatsOptions, handlers: RegistryHandlers): { close(): Promise<void> } {
  const stop = new AbortController();
  const done = follow(options, handlers, stop.signal);
  return {
    async close() {
      stop.abort();
      await done;
    },
  };
}

async function follow(options: NatsOptions, handlers: RegistryHandlers, signal: AbortSignal): Promise<void> {
  let connection: NatsConnection | undefined;
  let stop: (() => void) | undefined;
  const abort = () => {
    stop?.();
    // Nothing that waits for a server that is away may hold us up.
    void connection?.close();
  };
  signal.addEventListener('abort', abort);
  while (!signal.aborted) {
    try {
      if (connection === undefined || connection.isClosed()) {
        connection = await open(options);
        // What the server sent while we were away may be lost to an ordered consumer: it is asked for again.
        void onReconnect(connection, () => stop?.());
      }
      await list(connection, handlers, (stopping) => {
        stop = stopping;
        if (signal.aborted) stop();
      });
    } catch (error) {
      if (signal.aborted) break;
      handlers.onError(error);
      await pause(BOUNDS.retry, signal);
    }
  }
  await connection?.close();
}

function open(options: NatsOptions): Promise<NatsConnection> {
  return connect({
    ...accessOf(options),
    name: 'faaskeeper-registry',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 200,
    timeout: BOUNDS.attempt,
    pingInterval: BOUNDS.ping,
    maxPingOut: 2,
    noAsyncTraces: true,
    ignoreAuthErrorAbort: true,
  });
}

/** Tells of all that is there and of every change, until the connection was lost or it is time to list anew. */
async function list(
  connection: NatsConnection,
  handlers: RegistryHandlers,
  onOpen: (stop: () => void) => void,
): Promise<void> {
  const bucket = await connection.jetstream().views.kv(INSTANCES_BUCKET, { bindOnly: true });
  const ids = new Set<string>();
  let empty = false;
  const initializedFn = () => {
    empty = true;
  };
  const entries = await bucket.watch({ initializedFn });
  const stop = () => entries.stop();
  const timer = setTimeout(stop, BOUNDS.relist);
  onOpen(stop);
  try {
    let listed = empty && entries.getPending() === 0;
    if (listed) handlers.onListed(ids);
    for await (const entry of entries) {
      if (entry.operation === 'PUT') {
        ids.add(entry.key);
        declared(entry.value, handlers);
      } else handlers.onRemoved(entry.key);
      if (!listed && entry.delta === 0) {
        listed = true;
        handlers.onListed(ids);
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A document that is not right is told of; the instance stays what it was. */
function declared(document: Uint8Array, handlers: RegistryHandlers): void {
  let spec: InstanceSpec;
  try {
    const json = JSON.parse(Buffer.from(document).toString('utf8'));
    spec = validate(instanceSpecSchema, json, 'registered instance spec');
  } catch (error) {
    handlers.onError(error);
    return;
  }
  handlers.onDeclared(spec);
}

async function onReconnect(connection: NatsConnection, changed: () => void): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === Events.Reconnect) changed();
  }
}

/** No instance was ever declared. */
export function isMissingRegistry(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND;
}
const STREAM_NOT_FOUND = 10_059;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
  });
}
