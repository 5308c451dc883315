import {
  type Acl,
  type AclResult,
  BadArgumentsError,
  type CreateResult,
  errorFor,
  type FaaSKeeperError,
  type Identity,
  LIMITS,
  type MultiOperationResult,
  REGISTRATION_KINDS,
  type RegistrationInfo,
  type RegistrationKind,
  type Stat,
} from '@faaskeeper/protocol';
import { aclOf, createOperation, type Data, dataOf, type MultiOp, multiOperation, versionOf } from './arguments.ts';
import { readBinding } from './binding.ts';
import { Chroot } from './chroot.ts';
import { DEFAULTS } from './defaults.ts';
import { Emitter } from './emitter.ts';
import { type ClientEvents, Engine } from './engine.ts';
import { multiResults, Transaction } from './multi.ts';
import type { ConnectOptions } from './options.ts';
import type { Outside } from './ports.ts';
import type { ReadKind } from './reads/node-state.ts';
import { type Answer, freshTarget, target } from './reads/reader.ts';
import { type SessionState, statesOf } from './session/states.ts';
import { connectNats, hybridReader, redisRecords, s3Reader, systemClock, systemRandom } from './transport/index.ts';
import type {
  ChildrenResult,
  CreateOptions,
  DataResult,
  ReadOp,
  ReadOpResult,
  ReadOptions,
  SeamOptions,
  WatchOptions,
} from './types.ts';
import type { CallOptions } from './waiting.ts';
import {
  type AddWatchMode,
  knownOf,
  WATCH_KINDS,
  type WatchCallback,
  type WatchEvent,
  type WatchKind,
} from './watches/events.ts';
import { WatchStream } from './watches/stream.ts';
import { keptKind } from './watches/watches.ts';

/**
 * A session with an instance of FaaSKeeper: ZooKeeper's operations, with its guarantees. Calls may be made without
 * waiting for earlier ones: they take effect, and are answered, in the order in which they were made. Every call
 * rejects with a FaaSKeeperError: see `code`.
 *
 * @example
 * await using client = await FaaSKeeper.connect();
 * await client.create('/a', 'hello');
 * const { data, stat } = await client.getData('/a');
 */
export class FaaSKeeper {
  readonly #engine: Engine;
  readonly #chroot: Chroot;
  readonly #events: Emitter<ClientEvents>;
  readonly #streams = new Set<WatchStream>();
  readonly #defaultWatch: WatchCallback = (event) => this.#events.emit('watch', event);
  #closing: Promise<void> | undefined;

  private constructor(engine: Engine, events: Emitter<ClientEvents>) {
    this.#engine = engine;
    this.#events = events;
    this.#chroot = engine.options.chroot;
    events.on('state', (state) => this.#endStreams(state));
  }

  /**
   * Opens a session, or attaches to the one in `options.session`.
   *
   * @throws ConnectionLossError when NATS cannot be reached, OperationTimeoutError when nobody opens the session,
   * SessionExpiredError or AuthFailedError when there is no such session.
   */
  static async connect(options: ConnectOptions = {}): Promise<FaaSKeeper> {
    const { instance, nats, s3, redis, binding, signal, tracer, ...rest } = options;
    const complete = instance !== undefined && nats !== undefined && s3 !== undefined;
    const from = complete
      ? { instance, nats, s3, redis }
      : { ...(await readBinding(binding)), ...defined({ instance, nats, s3, redis }) };
    const at = { instance: from.instance, prefix: from.s3.prefix };
    const inS3 = s3Reader(from.s3);
    const objects = from.redis === undefined ? inS3 : hybridReader(inS3, redisRecords(from.redis), at);
    const messaging = await connectNats(from.nats, from.instance);
    const outside: Outside = { messaging, objects, clock: systemClock, random: systemRandom, tracer };
    return FaaSKeeper.over(outside, { ...rest, signal, ...at });
  }

  /**
   * Connects to what a service binding describes: `dir`, or $FAASKEEPER_BINDING, a directory of type `faaskeeper` below
   * $SERVICE_BINDING_ROOT, $FAASKEEPER_HOME/binding, ./.faaskeeper/binding.
   */
  static fromBinding(
    dir?: string,
    options: Omit<ConnectOptions, 'instance' | 'nats' | 's3' | 'redis' | 'binding'> = {},
  ): Promise<FaaSKeeper> {
    return FaaSKeeper.connect({ ...options, binding: dir });
  }

  /** Connects over given seams: for simulations, and for other transports. They are closed with the client. */
  static async over(outside: Outside, options: SeamOptions): Promise<FaaSKeeper> {
    const events = new Emitter<ClientEvents>();
    let engine: Engine;
    try {
      engine = new Engine(outside, engineOptions(options), events);
    } catch (error) {
      outside.objects.close();
      await outside.messaging.close();
      throw error;
    }
    const client = new FaaSKeeper(engine, events);
    try {
      await engine.session.open(options.connectTimeout ?? DEFAULTS.connectTimeout, options.signal);
    } catch (error) {
      await engine.shut(error as FaaSKeeperError);
      throw error;
    }
    return client;
  }

  /** Id of the session. With the password, another client can attach to it. */
  get sessionId(): number {
    return this.#engine.session.id;
  }

  get sessionPassword(): Uint8Array {
    return this.#engine.session.password.slice();
  }

  /** Negotiated, ms. */
  get sessionTimeout(): number {
    return this.#engine.session.timeout;
  }

  get state(): SessionState {
    return this.#engine.session.state;
  }

  /** The newest transaction that this session has seen, or could see by now. */
  get zxid(): number {
    return this.#engine.zxid;
  }

  /** Why the instance takes no writes; undefined while it does. */
  get halted(): string | undefined {
    return this.#engine.session.halted;
  }

  /** Calls the listener on each event from now on; returns what ends that. */
  on<Name extends keyof ClientEvents>(event: Name, listener: (...args: ClientEvents[Name]) => void): () => void {
    return this.#events.on(event, listener);
  }

  off<Name extends keyof ClientEvents>(event: Name, listener: (...args: ClientEvents[Name]) => void): void {
    this.#events.off(event, listener);
  }

  /** The state now, and each change until the session is over. */
  states(): AsyncGenerator<SessionState, void, undefined> {
    return statesOf(this.#events, () => this.state);
  }

  /** Creates a node and returns its path, which for sequential modes ends in ten digits. */
  async create(path: string, data: Data = null, options: CreateOptions = {}): Promise<string> {
    return (await this.create2(path, data, options)).path;
  }

  /** Creates a node and returns its path and Stat. */
  async create2(path: string, data: Data = null, options: CreateOptions = {}): Promise<CreateResult> {
    const operation = createOperation(this.#chroot, path, data, options);
    return this.#engine.write(operation, { ...options, path }, (result) => {
      const created = result as CreateResult;
      return { path: this.#chroot.toUser(created.path), stat: created.stat };
    });
  }

  /** Deletes a node without children. Version -1 matches any. */
  async delete(path: string, version = -1, options: CallOptions = {}): Promise<void> {
    const operation = { type: 'delete', path: this.#chroot.toSystem(path), version: versionOf(version, path) } as const;
    await this.#engine.write(operation, { ...options, path }, () => undefined);
  }

  /** The node's Stat, or null. A watch also tells when a missing node is created. */
  async exists(path: string, options: ReadOptions = {}): Promise<Stat | null> {
    return this.#read(path, 'exists', options, ({ stat }) => stat ?? null);
  }

  /** The node's data (the caller's own copy) and Stat. */
  getData(path: string, options?: ReadOptions): Promise<DataResult> {
    if (options === undefined) {
      // The hit path: half a million a second, so nothing is made here that is not needed.
      const { root } = this.#chroot;
      const hit = this.#engine.cached(root === '' ? path : root + path);
      if (hit?.state === 'node' && hit.data !== undefined)
        return Promise.resolve({ data: ownCopy(hit.data), stat: hit.stat });
    }
    return this.#read(path, 'getData', options ?? {}, ({ data = null, stat }) => ({
      data: ownCopy(data),
      stat: stat as Stat,
    }));
  }

  /** Replaces the node's data. Version -1 matches any. */
  async setData(path: string, data: Data, version = -1, options: CallOptions = {}): Promise<Stat> {
    const system = this.#chroot.toSystem(path);
    const operation = {
      type: 'setData',
      path: system,
      data: dataOf(data, path),
      version: versionOf(version, path),
    } as const;
    return this.#engine.write(operation, { ...options, path }, (result) => result as Stat);
  }

  /** Names (not paths) of the children, sorted. */
  async getChildren(path: string, options: ReadOptions = {}): Promise<string[]> {
    return (await this.getChildren2(path, options)).children;
  }

  /** Names of the children, and the node's Stat. */
  async getChildren2(path: string, options: ReadOptions = {}): Promise<ChildrenResult> {
    return this.#read(path, 'getChildren', options, ({ children = [], stat }) => ({
      children: [...children],
      stat: stat as Stat,
    }));
  }

  async getACL(path: string, options: CallOptions = {}): Promise<AclResult> {
    const operation = { type: 'getACL', path: this.#chroot.toSystem(path) } as const;
    return this.#engine.write(operation, { ...options, path }, (result) => result as AclResult);
  }

  /** `version` is that of the ACL (Stat.aversion); -1 matches any. */
  async setACL(path: string, acl: readonly Acl[], version = -1, options: CallOptions = {}): Promise<Stat> {
    const operation = {
      type: 'setACL',
      path: this.#chroot.toSystem(path),
      acl: aclOf(acl, path),
      version: versionOf(version, path),
    } as const;
    return this.#engine.write(operation, { ...options, path }, (result) => result as Stat);
  }

  /** When it resolves, reads see everything that was committed anywhere before the call. Returns the path. */
  async sync(path = '/', options: CallOptions = {}): Promise<string> {
    const operation = { type: 'sync', path: this.#chroot.toSystem(path) } as const;
    return this.#engine.write(operation, { ...options, path, covered: true }, () => path);
  }

  /** All of the operations, or none. @throws MultiError naming the one that failed. */
  async multi(ops: readonly MultiOp[], options: CallOptions = {}): Promise<MultiOperationResult[]> {
    if (ops.length > LIMITS.multiOperations) {
      throw new BadArgumentsError(`A multi of ${ops.length} operations has more than ${LIMITS.multiOperations}`);
    }
    const operations = ops.map((op) => multiOperation(this.#chroot, op));
    return this.#engine.write({ type: 'multi', operations }, options, (_, reply) =>
      multiResults(this.#chroot, ops, reply),
    );
  }

  /** Collects the operations of a multi. */
  transaction(): Transaction {
    return new Transaction((ops, options) => this.multi(ops, options));
  }

  /** Several reads of one moment. An error stands for its own read only. */
  async multiRead(ops: readonly ReadOp[], options: CallOptions = {}): Promise<ReadOpResult[]> {
    if (ops.length > LIMITS.multiOperations) {
      throw new BadArgumentsError(`A multiRead of ${ops.length} reads has more than ${LIMITS.multiOperations}`);
    }
    const targets = ops.map(({ path, type }) => target(this.#chroot.toSystem(path), type));
    return this.#engine.read(targets, { ...options, exact: true }, (answers) =>
      ops.map((op, at) => this.#readOpResult(op, answers[at] as Answer)),
    );
  }

  /** Adds an identity to the session: `digest` with `user:password`. @throws AuthFailedError */
  async addAuth(scheme: string, auth: string | Uint8Array, options: CallOptions = {}): Promise<void> {
    const bytes = typeof auth === 'string' ? new TextEncoder().encode(auth) : new Uint8Array(auth);
    await this.#engine.write({ type: 'addAuth', scheme, auth: bytes }, options, () => undefined);
  }

  /** What the session has authenticated as. */
  async whoAmI(options: CallOptions = {}): Promise<Identity[]> {
    return this.#engine.write({ type: 'whoAmI' }, options, (result) => result as Identity[]);
  }

  /** Paths of this session's ephemeral nodes that begin with `prefix`. */
  async getEphemerals(prefix = '/', options: CallOptions = {}): Promise<string[]> {
    const operation = { type: 'getEphemerals', prefix: this.#chroot.toSystem(prefix) } as const;
    return this.#engine.write(operation, { ...options, path: prefix }, (result) =>
      (result as string[]).filter((path) => this.#chroot.contains(path)).map((path) => this.#chroot.toUser(path)),
    );
  }

  /** How many nodes there are below a node, at all depths. */
  async getAllChildrenNumber(path: string, options: CallOptions = {}): Promise<number> {
    const operation = { type: 'getAllChildrenNumber', path: this.#chroot.toSystem(path) } as const;
    return this.#engine.write(operation, { ...options, path }, (result) => result as number);
  }

  /** Registers a sink: each matching change is POSTed to the URL as a CloudEvent, whether this client lives or not. */
  async register(
    path: string,
    kind: RegistrationKind,
    sink: string,
    options: CallOptions = {},
  ): Promise<RegistrationInfo> {
    if (!REGISTRATION_KINDS.includes(kind))
      throw new BadArgumentsError(`There is no kind of registration ${kind}`, { path });
    const operation = { type: 'register', path: this.#chroot.toSystem(path), kind, sink } as const;
    return this.#engine.write(operation, { ...options, path }, (result) =>
      this.#userRegistration(result as RegistrationInfo),
    );
  }

  async unregister(path: string, id: string, options: CallOptions = {}): Promise<void> {
    const operation = { type: 'unregister', path: this.#chroot.toSystem(path), id } as const;
    await this.#engine.write(operation, { ...options, path }, () => undefined);
  }

  /** The registrations of one path. */
  async listRegistrations(path: string, options: CallOptions = {}): Promise<RegistrationInfo[]> {
    const operation = { type: 'listRegistrations', path: this.#chroot.toSystem(path) } as const;
    return this.#engine.write(operation, { ...options, path }, (result) =>
      (result as RegistrationInfo[]).map((one) => this.#userRegistration(one)),
    );
  }

  /**
   * Sets a persistent watch; without a callback, its events are the client's `watch` events. If a recursive watch
   * missed something and nobody can say what, the client's state goes to suspended and back to connected at once.
   */
  async addWatch(
    path: string,
    mode: AddWatchMode,
    callback: WatchCallback = this.#defaultWatch,
    options: CallOptions = {},
  ): Promise<void> {
    if (mode !== 'PERSISTENT' && mode !== 'PERSISTENT_RECURSIVE')
      throw new BadArgumentsError(`There is no watch mode ${mode}`, { path });
    const system = this.#chroot.toSystem(path);
    const { watches } = this.#engine;
    const recursive = mode === 'PERSISTENT_RECURSIVE';
    watches.prepare(system, recursive);
    const onOver = () => watches.release(system, recursive);
    const base = recursive ? freshTarget(system) : target(system, 'exists');
    await this.#engine.read([base], { ...options, path, exact: true, onOver }, ([answer]) => {
      const { zxid, stat } = answer as Answer;
      watches.arm(system, keptKind(mode), callback, knownOf(zxid, stat));
    });
  }

  /**
   * Persistent watch events: `for await (const event of client.watch('/a', { recursive: true }))`. The watch is set by
   * the call, in order with others; leaving the loop removes it. The iteration ends when the client is closed, and
   * throws SessionExpiredError when the session expires.
   */
  watch(
    path: string,
    options: WatchOptions = {},
  ): AsyncIterableIterator<WatchEvent, void, undefined> & AsyncDisposable {
    const { signal, recursive = false } = options;
    const mode: AddWatchMode = recursive ? 'PERSISTENT_RECURSIVE' : 'PERSISTENT';
    const onAbort = () => stream.end();
    let set = false;
    let over = false;
    const stream: WatchStream = new WatchStream(() => {
      over = true;
      signal?.removeEventListener('abort', onAbort);
      this.#streams.delete(stream);
      if (set) this.#dropWatch(path, keptKind(mode), stream.push);
    });
    this.#streams.add(stream);
    if (signal?.aborted === true) stream.end();
    else signal?.addEventListener('abort', onAbort, { once: true });
    this.addWatch(path, mode, stream.push, { timeout: Number.POSITIVE_INFINITY, signal }).then(
      () => {
        set = true;
        if (over) this.#dropWatch(path, keptKind(mode), stream.push);
      },
      (error: unknown) => stream.fail(error),
    );
    return stream;
  }

  /** Removes watches of one kind (`any`: all) from a path: one callback's, or all. @throws NoWatcherError */
  async removeWatches(path: string, kind: WatchKind = 'any', callback?: WatchCallback): Promise<void> {
    this.#requireKind(kind, path);
    this.#engine.watches.remove(this.#chroot.toSystem(path), kind, callback);
  }

  /** True when there is a watch of this kind. */
  async checkWatches(path: string, kind: WatchKind = 'any', callback?: WatchCallback): Promise<boolean> {
    this.#requireKind(kind, path);
    return this.#engine.watches.has(this.#chroot.toSystem(path), kind, callback);
  }

  /** Ends the session with its ephemeral nodes, after the calls that were made before. Leaves nothing open. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    if (this.state === 'connected') {
      const closed = this.#engine.write({ type: 'closeSession' }, { timeout: DEFAULTS.closeTimeout }, () => undefined);
      this.#engine.closing = true;
      // A session that cannot be closed expires by itself.
      await closed.catch(() => undefined);
    }
    await this.#engine.shut(errorFor('SessionClosing', { session: this.sessionId }));
    this.#events.removeAll();
  }

  async #read<T>(path: string, kind: ReadKind, options: ReadOptions, finish: (answer: Answer) => T): Promise<T> {
    const system = this.#chroot.toSystem(path);
    const one = target(system, kind);
    const { watches } = this.#engine;
    const { watch = false, signal, timeout } = options;
    const callback = watch === true ? this.#defaultWatch : watch;
    if (callback === false) {
      return this.#engine.read([one], { path, signal, timeout }, ([answer]) =>
        finish(this.#checked(path, answer as Answer)),
      );
    }
    watches.prepare(system);
    const onOver = () => watches.release(system);
    return this.#engine.read([one], { path, signal, timeout, exact: true, onOver }, ([answer]) => {
      const found = this.#checked(path, answer as Answer);
      watches.arm(system, kind === 'getChildren' ? 'children' : 'data', callback, knownOf(found.zxid, found.stat));
      return finish(found);
    });
  }

  #checked(path: string, answer: Answer): Answer {
    if (answer.error !== undefined) throw errorFor(answer.error, { path, session: this.sessionId });
    return answer;
  }

  #readOpResult({ type, path }: ReadOp, { error, stat, data = null, children = [] }: Answer): ReadOpResult {
    if (error !== undefined) return { type: 'error', path, error: errorFor(error, { path, session: this.sessionId }) };
    if (type === 'exists') return { type, path, stat: stat ?? null };
    if (type === 'getData') return { type, path, data: ownCopy(data), stat: stat as Stat };
    return { type, path, children: [...children], stat: stat as Stat };
  }

  #userRegistration(info: RegistrationInfo): RegistrationInfo {
    return { ...info, path: this.#chroot.toUser(info.path) };
  }

  #requireKind(kind: WatchKind, path: string): void {
    if (!WATCH_KINDS.includes(kind)) throw new BadArgumentsError(`There is no kind of watch ${kind}`, { path });
  }

  #dropWatch(path: string, kind: WatchKind, callback: WatchCallback): void {
    const system = this.#chroot.toSystem(path);
    const { watches } = this.#engine;
    if (watches.has(system, kind, callback)) watches.remove(system, kind, callback);
  }

  #endStreams(state: SessionState): void {
    if (state === 'closed') for (const stream of [...this.#streams]) stream.end();
    if (state === 'expired')
      for (const stream of [...this.#streams]) stream.fail(errorFor('SessionExpired', { session: this.sessionId }));
  }
}

function ownCopy(data: Uint8Array | null): Uint8Array | null {
  return data === null ? null : new Uint8Array(data);
}

function engineOptions(options: SeamOptions) {
  const { instance, prefix, session, cache } = options;
  return {
    instance,
    prefix,
    session,
    chroot: new Chroot(options.chroot),
    sessionTimeout: options.sessionTimeout ?? DEFAULTS.sessionTimeout,
    cacheBytes: cache === false ? 0 : (cache?.bytes ?? DEFAULTS.cacheBytes),
    requestTimeout: options.requestTimeout ?? DEFAULTS.requestTimeout,
  };
}

function defined<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
