import {
  BadArgumentsError,
  INSTANCE_ID,
  INSTANCES_BUCKET,
  type InstanceSpec,
  type InstanceSpecInput,
  instanceSpecSchema,
  MarshallingError,
  validate,
} from '@faaskeeper/protocol';
import { type KV, type NatsConnection, StorageType } from 'nats';
import { onConnectionChange, reconnectWaitMs } from './connection.ts';
import { API_ERROR, apiErrorCode, jetStreamRequest } from './jetstream-api.ts';
import { declareStream, removeStream } from './streams.ts';

export type InstanceChange =
  | { readonly type: 'declared'; readonly spec: InstanceSpec }
  | { readonly type: 'removed'; readonly id: string };

/**
 * Creates or updates the streams of an instance and registers it. May be repeated. REQ and LOG are made at once, SINK
 * and DEAD with their first message; from then on REQ is there while its lane needs it.
 *
 * @throws MarshallingError when the spec is not valid; BadArgumentsError when it has another type of user storage than
 * the instance that is there.
 */
export async function declareInstance(connection: NatsConnection, input: InstanceSpecInput): Promise<InstanceSpec> {
  const spec = validate(instanceSpecSchema, input, 'instance spec');
  const bucket = await openBucket(connection);
  const known = await bucket.get(spec.id);
  const before = known?.operation === 'PUT' ? specIfAny(spec.id, known.value) : undefined;
  if (before !== undefined) requireSameStorage(before, spec);
  await declareStream(connection, spec, 'log');
  if (known?.operation !== 'PUT') await declareStream(connection, spec, 'request');
  await replicateRegistry(connection, spec.logReplicas);
  const document = JSON.stringify(spec);
  // Each put is told to every trigger, function and gateway.
  if (known?.operation !== 'PUT' || known.string() !== document) await bucket.put(spec.id, document);
  return spec;
}

/** Whoever comes first makes the registry, without knowing of replicas: it gets as many as the logs that it tells of. */
async function replicateRegistry(connection: NatsConnection, replicas: number): Promise<void> {
  if (replicas === 1) return;
  const stream = `KV_${INSTANCES_BUCKET}`;
  type Info = { readonly config: { readonly num_replicas: number } };
  const { config } = await jetStreamRequest<Info>(connection, `$JS.API.STREAM.INFO.${stream}`, '');
  if (config.num_replicas >= replicas) return;
  const changed = JSON.stringify({ ...config, num_replicas: replicas });
  await jetStreamRequest(connection, `$JS.API.STREAM.UPDATE.${stream}`, changed);
}

function requireSameStorage({ id, userStorage: { type } }: InstanceSpec, { userStorage: wanted }: InstanceSpec): void {
  if (type === wanted.type) return;
  throw new BadArgumentsError(
    `The user storage of instance ${id} is ${type} and cannot become ${wanted.type}: declare a new instance, and ` +
      'restore a backup of this one into it',
  );
}

/**
 * Creates or updates the streams of an instance without registering it: no trigger serves it. `logFirst`: sequence that
 * its LOG begins with, if it is new.
 *
 * @throws MarshallingError when the spec is not valid.
 */
export async function declareStreams(
  connection: NatsConnection,
  input: InstanceSpecInput,
  { logFirst }: { logFirst?: number } = {},
): Promise<InstanceSpec> {
  const spec = validate(instanceSpecSchema, input, 'instance spec');
  await declareStream(connection, { ...spec, ...(logFirst === undefined ? {} : { logFirst }) }, 'log');
  await declareStream(connection, spec, 'request');
  return spec;
}

/**
 * Takes an instance's registration away: trigger, functions and gateway let go of it, its streams and data stay until
 * declareInstance brings it back. May be repeated; false: it was not registered.
 */
export async function suspendInstance(connection: NatsConnection, id: string): Promise<boolean> {
  const bucket = await openBucket(connection);
  const known = await bucket.get(id);
  if (known?.operation !== 'PUT') return false;
  await bucket.delete(id);
  return true;
}

/** Removes an instance's registration and streams, with all that is in them. Its keys and objects are not touched. */
export async function removeInstance(connection: NatsConnection, id: string): Promise<void> {
  await suspendInstance(connection, id);
  for (const kind of ['request', 'log', 'sink', 'dead'] as const) await removeStream(connection, id, kind);
}

/** The instances that are registered, by id, as of now. */
export async function registeredInstances(connection: NatsConnection): Promise<string[]> {
  const bucket = await openBucket(connection);
  const ids: string[] = [];
  for await (const id of await bucket.keys()) ids.push(id);
  return ids;
}

/** Drops the trace that a removed instance leaves in the registry; for when everyone has heard of its removal. */
export async function forgetInstance(connection: NatsConnection, id: string): Promise<void> {
  const filter = `$KV.${INSTANCES_BUCKET}.${id}`;
  await jetStreamRequest(connection, `$JS.API.STREAM.PURGE.KV_${INSTANCES_BUCKET}`, JSON.stringify({ filter }));
}

/** The instances that are declared, and what becomes of them. One for each connection is enough. */
export class InstanceDirectory {
  readonly #connection: NatsConnection;
  readonly #known = new Map<string, InstanceSpec>();
  readonly #handlers = new Set<(change: InstanceChange) => void>();
  readonly #onError: (error: unknown) => void;
  #watching: Promise<void> | undefined;
  #restart: (() => void) | undefined;
  #stopListening: (() => void) | undefined;
  #closed = false;

  constructor(connection: NatsConnection, onError: (error: unknown) => void = () => {}) {
    this.#connection = connection;
    this.#onError = onError;
  }

  /** The spec of an instance, or undefined where there is none; known ones cost nothing. */
  async spec(id: string): Promise<InstanceSpec | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    if (!INSTANCE_ID.test(id)) return undefined;
    const entry = await (await openBucket(this.#connection)).get(id);
    if (entry === null || entry.operation !== 'PUT') return undefined;
    const spec = parseSpec(id, entry.value);
    // Only what the watch will keep current may be remembered.
    this.#startWatching();
    this.#known.set(id, spec);
    return spec;
  }

  /**
   * Tells the handler of every instance that is declared now, and of every change. After a reconnect it is told again
   * what holds then. Handlers must not throw.
   */
  watch(handler: (change: InstanceChange) => void): { close(): void } {
    this.#handlers.add(handler);
    for (const spec of this.#known.values()) handler({ type: 'declared', spec });
    this.#startWatching();
    return { close: () => void this.#handlers.delete(handler) };
  }

  close(): void {
    this.#closed = true;
    this.#handlers.clear();
    this.#stopListening?.();
    this.#restart?.();
  }

  #startWatching(): void {
    if (this.#watching !== undefined || this.#closed) return;
    this.#watching = this.#keepWatching();
    this.#stopListening = onConnectionChange(this.#connection, (connected) => {
      if (connected) this.#restart?.();
    });
  }

  async #keepWatching(): Promise<void> {
    while (!this.#closed && !this.#connection.isClosed()) {
      try {
        const bucket = await openBucket(this.#connection);
        const entries = await bucket.watch();
        this.#restart = () => entries.stop();
        if (this.#closed) entries.stop();
        // What was removed unheard may have left no trace.
        if (this.#known.size > 0) await this.#dropRemoved();
        for await (const entry of entries) {
          if (entry.operation === 'PUT') this.#declared(entry.key, entry.value);
          else this.#removed(entry.key);
        }
      } catch (error) {
        if (!this.#closed) this.#onError(error);
      }
      if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, reconnectWaitMs()));
    }
  }

  async #dropRemoved(): Promise<void> {
    const known = [...this.#known.keys()];
    const registered = new Set(await registeredInstances(this.#connection));
    for (const id of known) if (!registered.has(id)) this.#removed(id);
  }

  #declared(id: string, document: Uint8Array): void {
    try {
      const spec = parseSpec(id, document);
      this.#known.set(id, spec);
      for (const handler of this.#handlers) handler({ type: 'declared', spec });
    } catch (error) {
      this.#onError(error);
    }
  }

  #removed(id: string): void {
    this.#known.delete(id);
    for (const handler of this.#handlers) handler({ type: 'removed', id });
  }
}

function parseSpec(id: string, document: Uint8Array): InstanceSpec {
  const what = `registered instance spec of ${JSON.stringify(id)}`;
  const spec = validate(instanceSpecSchema, JSON.parse(Buffer.from(document).toString('utf8')), what);
  if (spec.id !== id) throw new MarshallingError(`A ${what} is that of ${spec.id}`);
  return spec;
}

/** Undefined for a document that declares nothing: it is there to be replaced. */
function specIfAny(id: string, document: Uint8Array): InstanceSpec | undefined {
  try {
    return parseSpec(id, document);
  } catch {
    return undefined;
  }
}

async function openBucket(connection: NatsConnection): Promise<KV> {
  const jetStream = connection.jetstream();
  try {
    return await jetStream.views.kv(INSTANCES_BUCKET, { history: 1, storage: StorageType.File });
  } catch (error) {
    // Somebody made it at the same time, or with other settings (replicas): it is there.
    if (apiErrorCode(error) !== API_ERROR.streamNameInUse) throw error;
    return jetStream.views.kv(INSTANCES_BUCKET, { bindOnly: true });
  }
}
