import {
  BadArgumentsError,
  errorFor,
  type FaaSKeeperError,
  type Identity,
  type Operation,
  type Reply,
  type Stat,
  ThrottledError,
} from '@faaskeeper/protocol';
import type { Chroot } from './chroot.ts';
import { DEFAULTS } from './defaults.ts';
import type { Emitter } from './emitter.ts';
import { type Outside, StorageBehindError } from './ports.ts';
import type { PendingCall } from './reads/call.ts';
import { NodeReader, type NodeState } from './reads/node-state.ts';
import { type Call, Order } from './reads/order.ts';
import { ReadCall } from './reads/read-call.ts';
import { type Answer, Reader, type Target } from './reads/reader.ts';
import { ReplyGrace } from './reads/reply-grace.ts';
import { WriteCall } from './reads/write-call.ts';
import type { Credentials } from './session/handshake.ts';
import { ENVELOPE_BYTES, requestBytes } from './session/requests.ts';
import { Session } from './session/session.ts';
import type { SessionState } from './session/states.ts';
import { traced } from './tracing.ts';
import { type Follower, View } from './view.ts';
import type { CallOptions } from './waiting.ts';
import { type Known, knownOf, knownOfNode, type WatchEvent } from './watches/events.ts';
import { type Lack, Watches } from './watches/watches.ts';
import { type Published, type Step, Watermark } from './watermark.ts';

export type ClientEvents = {
  /** The session's state changed. */
  state: readonly [state: SessionState, previous: SessionState];
  /** An event of a watch that was set with `watch: true`. */
  watch: readonly [event: WatchEvent];
  /** The instance stopped taking writes (with the reason), or takes them again (undefined). */
  halted: readonly [reason: string | undefined];
};

export interface EngineOptions {
  readonly instance: string;
  /** Prefix of the instance's keys in user storage. */
  readonly prefix: string;
  readonly chroot: Chroot;
  readonly sessionTimeout: number;
  readonly session?: Credentials | undefined;
  /** Opens the session in the name of a connection (see HandshakeOptions). */
  readonly identities?: readonly Identity[] | undefined;
  /** Bytes; 0: none. Of a view of its own. */
  readonly cacheBytes: number;
  /** ms */
  readonly requestTimeout: number;
}

type AnyCall = PendingCall<unknown> & Call;
/** `path` is what an error names. */
type RunOptions = CallOptions & { path?: string | undefined };
type ReadOptions = RunOptions & { exact?: boolean; onOver?: () => void };
type WriteOptions = RunOptions & { covered?: boolean; raw?: boolean; query?: boolean };

/** Wires session, watermark, watches, reads and cache: everything below the public methods. */
export class Engine implements Follower {
  readonly session: Session;
  readonly watches: Watches;
  readonly view: View;
  readonly events: Emitter<ClientEvents>;
  readonly options: EngineOptions;
  readonly #outside: Outside;
  readonly #nodes: NodeReader;
  readonly #reader: Reader;
  readonly #watermark: Watermark;
  readonly #order = new Order();
  readonly #calls = new Set<AnyCall>();
  readonly #ownsView: boolean;
  /** As far as a gateway vouches for them, and what the session has added since. */
  #identities: readonly Identity[];
  readonly #grace: ReplyGrace;
  #over: AbortController | undefined;
  #waitingBytes = 0;
  /** Every event up to this zxid has been told. */
  #told = -1;
  #telling = false;
  /** closeSession is asked for: no more calls. */
  closing = false;
  /** A recursive watch missed something, and nobody can say what. */
  onGap: () => void = () => this.session.signalGap();

  /** `view`: shared with the other sessions of this process; default: one of its own. */
  constructor(outside: Outside, options: EngineOptions, events: Emitter<ClientEvents>, view?: View) {
    const { clock, messaging, objects } = outside;
    const { instance, chroot } = options;
    this.#outside = outside;
    this.options = options;
    this.events = events;
    this.#ownsView = view === undefined;
    // The feed first: what becomes visible after the session is open must not be missed.
    const ofSystem = options.identities !== undefined;
    this.view = view ?? new View(outside, instance, { cacheBytes: options.cacheBytes, system: ofSystem });
    this.#identities = options.identities ?? [];
    this.#grace = new ReplyGrace(clock);
    this.#nodes = new NodeReader(objects, clock, options.prefix, (path, error) => {
      if (error instanceof StorageBehindError) this.#wakeDistributor();
      outside.onReadFailure?.(path, error);
    });
    const watermark = () => this.#watermark.value;
    this.#reader = new Reader({
      clock,
      nodes: this.#nodes,
      cache: this.view,
      watermark,
      live: () => this.session.live,
      ask: (operation) => this.#ask(operation),
      onAnswer: () => this.#order.advance(),
    });
    this.watches = new Watches({
      messaging,
      instance,
      watermark,
      state: () => this.session.state,
      toUser: (path) => chroot.toUser(path),
      identities: ofSystem ? () => this.#identities : undefined,
      onTell: (zxid) => {
        // Answers of earlier transactions come before it, and no others.
        this.#told = Math.max(this.#told, zxid - 1);
        this.#telling = true;
        this.#order.advance();
        this.#telling = false;
        this.#reader.see(zxid);
      },
      see: (zxid) => this.#reader.see(zxid),
      // A reply may have to come first; and reads would wait for one event after the other to be visible.
      mayAnticipate: () => this.#watermark.atRest && this.#order.idle,
    });
    this.#watermark = new Watermark(this.#watermarkHooks());
    // Until it is attached, nobody can tell which steps concern it.
    this.view.join(this);
    this.session = new Session(
      outside,
      { instance, timeout: options.sessionTimeout, session: options.session, identities: options.identities },
      {
        onState: (state, previous) => this.#onState(state, previous),
        onAttached: (zxid, watermark) => this.#attached(zxid, watermark),
        onWatermark: (zxid) => this.view.hint(zxid),
        onEnd: (error) => this.#end(error),
        onHalted: (reason) => events.emit('halted', reason),
      },
    );
  }

  /** The newest transaction that this session has seen, or could see. */
  get zxid(): number {
    this.#catchUpIdle();
    return Math.max(this.#watermark.value, this.#reader.seen);
  }

  /** The watermark that the session has taken: what its reads reflect. */
  get watermark(): number {
    return this.#watermark.value;
  }

  get following(): boolean {
    if (!this.#order.idle || this.watches.interested || this.#reader.interested) return true;
    return this.#watermark.value < 0 || !this.#watermark.settled;
  }

  add(message: Published): void {
    this.#watermark.add(message);
  }

  /** A node that may be answered at once: connected, nothing outstanding, cached. */
  cached(path: string): NodeState | undefined {
    if (!this.#order.idle) return undefined;
    this.#catchUpIdle();
    const at = this.#watermark.value;
    const node = this.view.cached(path, at);
    if (node === undefined || !this.session.live) return undefined;
    // Newer than this session; or missing, which does not say since when.
    if (node.zxid > at || (node.zxid === 0 && this.view.value > at)) return undefined;
    // An own write that is not visible yet, perhaps of this very node.
    const { hits, seen } = this.#reader;
    if (seen > at || hits >= DEFAULTS.hitsPerTurn) return undefined;
    this.#reader.hits++;
    return node;
  }

  read<T>(targets: readonly Target[], options: ReadOptions, finish: (answers: readonly Answer[]) => T): Promise<T> {
    const call = new ReadCall<T>({
      reader: this.#reader,
      targets,
      exact: options.exact === true,
      finish,
      onOver: () => {
        this.#calls.delete(call as AnyCall);
        options.onOver?.();
      },
    });
    return this.#run(call, options);
  }

  /**
   * `covered`: not before the watermark covers its transaction. `raw`: `finish` takes a
   * reply that carries an error, too. `query`: in order as
   * a read, not pipelined with writes. `finish` runs in the turn in which the reply may be shown.
   */
  write<T>(operation: Operation, options: WriteOptions, finish: (result: unknown, reply: Reply) => T): Promise<T> {
    const { tracer } = this.#outside;
    if (tracer === undefined) return this.#write(operation, options, finish);
    return traced(tracer, { type: operation.type, path: options.path }, (traceparent) =>
      this.#write(operation, options, finish, traceparent),
    );
  }

  #write<T>(
    operation: Operation,
    options: WriteOptions,
    finish: (result: unknown, reply: Reply) => T,
    traceparent?: string,
  ): Promise<T> {
    const bytes = requestBytes(operation);
    const limit = this.#outside.messaging.maxPayload - ENVELOPE_BYTES;
    if (bytes > limit) {
      return Promise.reject(
        new BadArgumentsError(`The request has ${bytes} bytes, more than ${limit}`, { path: options.path }),
      );
    }
    if (this.#waitingBytes + bytes > DEFAULTS.waitingBytes && this.#waitingBytes > 0)
      return Promise.reject(new ThrottledError());
    const { covered = false, path, raw = false, query = false } = options;
    const answered = () => (query ? this.#order.advance() : this.#order.answered());
    const call: WriteCall<T> = new WriteCall<T>({
      kind: query ? 'read' : 'write',
      operation,
      traceparent,
      requests: this.session.requests,
      onReply: (reply) => {
        if (operation.type === 'addAuth' && reply.error === undefined) this.#authenticated(reply.result);
        if (operation.type === 'setData' && reply.error === undefined)
          this.view.written(operation.path, reply.result as Stat, operation.data);
        this.#reader.see(reply.zxid);
        answered();
        this.#grace.answered(reply.zxid, this.#order.unanswered);
      },
      onUnanswered: () => {
        answered();
        this.#grace.answered(-1, this.#order.unanswered);
      },
      mayShow: ({ zxid }) =>
        Math.max(this.#watermark.value, this.#told) >= zxid ||
        (!covered && !this.#telling && (this.watches.armed === 0 || operation.type === 'closeSession')),
      finish: (reply) => {
        const { id: session } = this.session;
        if (reply.error !== undefined && operation.type !== 'multi' && !raw)
          throw errorFor(reply.error, { path, session });
        return finish(reply.result, reply);
      },
      onOver: () => {
        this.#waitingBytes -= bytes;
        this.#calls.delete(call as AnyCall);
      },
    });
    this.#waitingBytes += bytes;
    return this.#run(call, options);
  }

  /** Leaves nothing open. */
  async shut(error: FaaSKeeperError): Promise<void> {
    this.session.end('closed', error);
    await this.#outside.messaging.close();
  }

  #run<T>(call: PendingCall<T> & Call, options: RunOptions): Promise<T> {
    const { ended } = this.session;
    if (this.closing) call.fail(errorFor('SessionClosing', { session: this.session.id }));
    else if (ended !== undefined) call.fail(errorFor(ended.code, { session: this.session.id, cause: ended }));
    else if (this.#order.waiting >= DEFAULTS.waitingCalls) call.fail(new ThrottledError());
    else {
      const timeout = options.timeout ?? this.options.requestTimeout;
      const about = () => ({
        path: options.path,
        session: this.session.id,
        ...(this.session.live ? {} : { what: 'the session is not connected' }),
      });
      call.limit(this.#outside.clock, { signal: options.signal, timeout }, () => this.#order.advance(), about);
    }
    if (!call.over) {
      this.#catchUpIdle();
      this.view.join(this);
      this.#calls.add(call as AnyCall);
      this.#order.add(call);
    }
    return call.result.promise;
  }

  /** A session that reads and watches nothing is told no steps: it may take all of them at once. */
  #catchUpIdle(): void {
    if (!this.view.tells(this)) this.#watermark.skipTo(this.view.value);
  }

  /** What user storage has lost is put there again when the distributor looks, which it does with every transaction. */
  #wakeDistributor(): void {
    const now = this.#outside.clock.now();
    if (now < this.#nextWake || this.closing || !this.session.live) return;
    this.#nextWake = now + DEFAULTS.wakeInterval;
    this.#ask({ type: 'sync', path: '/' }).catch(() => undefined);
  }
  #nextWake = Number.NEGATIVE_INFINITY;

  #ask(operation: Operation): Promise<Reply> {
    return new Promise((resolve, reject) => this.session.requests.submit(operation, resolve, reject));
  }

  #watermarkHooks() {
    const engine = this;
    return {
      prepare: (step: Step) => engine.#prepare(step),
      ahead: (zxid: number) => engine.watches.learned > zxid,
      fire: (step: Step) => engine.watches.fire(step.zxid),
      taken: () => engine.#order.advance(),
      get interested() {
        return engine.watches.interested || engine.#reader.interested;
      },
    };
  }

  #prepare(step: Step): Promise<void> | undefined {
    this.#reader.outdate(step);
    const { nodes, recursive } = this.watches.lacking(step);
    if (recursive) this.onGap();
    const free = this.#reader.free();
    const caughtUp = nodes.length === 0 ? free : this.#catchUp(nodes, step.zxid).then(() => free);
    const inOrder = () => this.#grace.before(this.watches.due(step.zxid), this.#order.unanswered);
    return caughtUp === undefined ? inOrder() : caughtUp.then(inOrder);
  }

  #authenticated(result: unknown): void {
    const added = Array.isArray(result) ? (result as Identity[]) : [];
    this.#identities = [...this.#identities, ...added];
  }

  /** Reads again what is watched and changed unheard. Without that, the watermark must not be taken. */
  async #catchUp(lacks: Lack[], covered: number): Promise<void> {
    const rest = lacks.values();
    const work = async () => {
      for (const lack of rest) this.watches.learn(lack, await this.#known(lack.path, covered));
    };
    const workers = Array.from({ length: Math.min(lacks.length, DEFAULTS.resyncParallel) }, work);
    await Promise.all(workers);
  }

  /** undefined: the session may not know. */
  async #known(path: string, covered: number): Promise<Known | undefined> {
    // Waits out an outage; what stays damaged, nobody can know.
    const node = await this.#nodes.read(path, 'exists', this.#untilOver(), covered).catch(() => undefined);
    if (node === undefined) return undefined;
    if (node.state !== 'protected') return knownOfNode(node);
    // Behind closeSession nothing is answered any more.
    if (this.closing) return undefined;
    const reply = await this.#ask({ type: 'read', path, what: 'exists' }).catch(() => undefined);
    if (reply === undefined) return undefined;
    const { zxid, error, result } = reply;
    // It may be gone since a transaction that is not visible yet.
    if (error === 'NoNode') return knownOf(zxid, undefined);
    return error === undefined ? knownOf(zxid, (result as { stat: Parameters<typeof knownOf>[1] }).stat) : undefined;
  }

  /** Made when it is needed first: most sessions never do. */
  #untilOver(): AbortSignal {
    this.#over ??= new AbortController();
    const { ended } = this.session;
    if (ended !== undefined) this.#over.abort(ended);
    return this.#over.signal;
  }

  #attached(zxid: number, watermark: number): void {
    this.#reader.see(zxid);
    this.#watermark.attached(watermark);
    // What is newer than the feed may be missing there.
    this.view.hint(watermark);
  }

  #onState(state: SessionState, previous: SessionState): void {
    this.events.emit('state', state, previous);
    if (state !== 'connected') return;
    this.#reader.resume();
    this.#order.advance();
  }

  #end(error: FaaSKeeperError): void {
    this.#over?.abort(error);
    this.#watermark.close();
    this.#grace.close();
    this.view.leave(this);
    if (this.#ownsView) this.view.close();
    this.watches.clear();
    for (const call of [...this.#calls]) call.fail(error);
    // Nothing more can come of this session, whether its holder closes it or not.
    this.#outside.objects.close();
    void this.#outside.messaging.close();
  }
}
