import type { ErrorCode, Operation, Reply } from '@faaskeeper/protocol';
import type { Engine } from '../../engine.ts';
import type { WatchEvent, WatchEventType } from '../../watches/events.ts';
import {
  CODES,
  EVENT_CODES,
  JuteReader,
  type JuteWriter,
  opName,
  read,
  SYNC_CONNECTED,
  write,
  XIDS,
} from '../jute/index.ts';
import type { Call } from './handlers/handler.ts';
import { HANDLERS } from './handlers/index.ts';
import { look } from './handlers/reads.ts';
import { codeOf } from './operations.ts';
import { Replies } from './replies.ts';

/** What the requests of a session need of their connection. */
export interface ServedHooks {
  readonly writer: JuteWriter;
  /** Something was written: it is to leave by the end of this turn. */
  onWritten(): void;
  /** Something was answered: there may be room for more requests. */
  onAnswered(latencyMs: number): void;
  /** The connection ends when what is written has left; the session stays, if it can. */
  onEnd(reason: string): void;
  /** Schemes that a request must have authenticated with, one of them; undefined: any may ask. */
  readonly enforcedSchemes: ReadonlySet<string> | undefined;
  /** Schemes that the connection vouches for. */
  readonly schemes: readonly string[];
  /** Operations that a multi may hold. */
  readonly multiOperations: number;
}

export interface WriteOptions {
  /** Not answered before reads see it. */
  readonly covered?: boolean;
  /** The body tells of a failure, not the header. */
  readonly alwaysOk?: boolean;
  /** Changes nothing. */
  readonly query?: boolean;
}

/** Serves the requests of one session: each frame becomes calls of the engine, each answer a frame, in order. */
export class Served {
  readonly engine: Engine;
  readonly writer: JuteWriter;
  readonly replies = new Replies();
  /** Schemes that this connection has authenticated with. */
  readonly schemes: Set<string>;
  readonly multiOperations: number;
  /** Highest zxid in a header: they never fall. */
  lastZxid = 0;
  lastXid = 0;
  lastOperation = 'NA';
  readonly #hooks: ServedHooks;
  /** Pings behind a request that takes its time. */
  readonly #pings = new Set<Call>();
  #over = false;

  constructor(engine: Engine, hooks: ServedHooks) {
    this.engine = engine;
    this.#hooks = hooks;
    this.writer = hooks.writer;
    this.schemes = new Set(hooks.schemes);
    this.multiOperations = hooks.multiOperations;
    // Its client sets its watches again, and reads what it watches.
    engine.onGap = () => this.end('a recursive watch missed something');
  }

  /** @throws JuteError for what does not follow the protocol. */
  request(frame: Buffer): void {
    if (this.#over) return;
    const reader = new JuteReader(frame);
    const { xid, type } = read.RequestHeader(reader);
    const op = opName(type);
    this.lastOperation = op ?? String(type);
    this.lastXid = xid;
    const authenticated = this.#authenticated;
    if ((op === 'getData' || op === 'exists') && authenticated) {
      this.#lookFast(xid, op, reader, frame.length);
      return;
    }
    const call = { slot: this.replies.open(frame.length), xid, reader, since: performance.now() };
    if (op !== 'auth' && !authenticated) this.fatal(call, CODES.sessionClosedRequireAuth, 'not authenticated', 0);
    else if (op === undefined) this.fatal(call, CODES.unimplemented, `unknown opcode ${type}`, -1);
    else HANDLERS[op](this, call);
  }

  /** The connection is gone: nothing is written any more. */
  stop(): void {
    this.#over = true;
    this.replies.clear();
  }

  /** Ends the connection. */
  end(reason: string): void {
    if (!this.#over) this.#hooks.onEnd(reason);
  }

  readonly onWatch = (event: WatchEvent): void => {
    this.lastZxid = Math.max(this.lastZxid, event.zxid);
    this.event(event.type, event.path, event.zxid);
  };

  event(type: WatchEventType, path: string, zxid: number): void {
    const event = { type: EVENT_CODES[type], state: SYNC_CONNECTED, path };
    this.frame(XIDS.event, zxid, 0, () => write.WatcherEvent(this.writer, event));
  }

  /** Sends an operation through the writer; `body` writes what follows the header of a success. */
  write(call: Call, operation: Operation, body?: (reply: Reply) => void, options: WriteOptions = {}): void {
    const { covered = false, alwaysOk = false, query = false } = options;
    const writing = this.engine.write(operation, { raw: true, covered, query }, (_, reply) => {
      this.answer(call, reply.zxid, alwaysOk ? 0 : codeOf(reply.error), () => body?.(reply));
    });
    this.follow(call, writing);
  }

  closeSession(call: Call): void {
    // Its own ephemeral nodes may be watched.
    const covered = this.engine.watches.armed > 0;
    const closing = this.engine.write({ type: 'closeSession' }, { raw: true, covered }, (_, reply) => {
      this.answer(call, reply.zxid, 0);
      this.end('the session is closed');
    });
    this.engine.closing = true;
    this.follow(call, closing);
  }

  /** A call that fails other than by a reply: the session is over, or too much waits. */
  follow(call: Call, work: Promise<unknown>): void {
    work.catch((error: { code?: ErrorCode; message?: string }) => {
      // Later requests may be under way by now.
      if (error.code === 'BadArguments')
        this.replies.answer(call.slot, () => this.reply(call.xid, this.lastZxid, CODES.badArguments));
      else this.end(error.message ?? 'a request failed');
    });
  }

  /** The reply, in its turn; `body` only where the code is 0. */
  answer(call: Call, zxid: number, code: number, body?: () => void): void {
    if (this.#over) return;
    this.replies.answer(call.slot, () => this.reply(call.xid, zxid, code, body));
    this.#hooks.onAnswered(performance.now() - call.since);
  }

  /** An answer without asking anyone: it is based on what there was when it was asked for, not on what comes behind. */
  refuse(call: Call, code: number): void {
    const { zxid } = this.engine;
    this.replies.answer(call.slot, () => this.reply(call.xid, zxid, code));
  }

  /** Answers with an error, then the connection ends. ZooKeeper gives such answers 0 or -1 for a zxid. */
  fatal(call: Call, code: number, reason: string, zxid: 0 | -1): void {
    this.replies.answer(call.slot, () => {
      this.frame(call.xid, zxid, code);
      this.end(reason);
    });
  }

  /** In its turn, unless that takes so long that the client would take us for dead. */
  ping(call: Call): void {
    this.#pings.add(call);
    const { zxid } = this.engine;
    this.replies.answer(call.slot, () => {
      if (this.#pings.delete(call)) this.reply(call.xid, zxid, 0);
    });
  }

  /** Answers the pings that have waited for `ms`: a client must hear from us while a request of it takes its time. */
  answerLatePings(ms: number): void {
    const before = performance.now() - ms;
    for (const call of this.#pings) {
      if (call.since > before) break;
      this.#pings.delete(call);
      this.reply(call.xid, this.lastZxid, 0);
    }
  }

  reply(xid: number, zxid: number, code: number, body?: () => void): void {
    if (zxid > this.lastZxid) this.lastZxid = zxid;
    this.frame(xid, this.lastZxid, code, body);
  }

  frame(xid: number, zxid: number, code: number, body?: () => void): void {
    if (this.#over) return;
    const { writer } = this;
    writer.begin();
    writer.int(xid);
    writer.long(zxid);
    writer.int(code);
    if (code === 0) body?.();
    writer.end();
    this.#hooks.onWritten();
  }

  get #authenticated(): boolean {
    const { enforcedSchemes } = this.#hooks;
    if (enforcedSchemes === undefined) return true;
    for (const scheme of this.schemes) if (enforcedSchemes.has(scheme)) return true;
    return false;
  }

  /** What most requests are: where the node is cached and nothing is outstanding, no slot and no promise. */
  #lookFast(xid: number, op: 'getData' | 'exists', reader: JuteReader, bytes: number): void {
    const request = read.GetDataRequest(reader);
    const { path, watch } = request;
    const node = this.replies.outstanding > 0 || watch || path === null ? undefined : this.engine.cached(path);
    if (node === undefined || (op === 'getData' && node.state === 'node' && node.data === undefined)) {
      look(this, { slot: this.replies.open(bytes), xid, reader, since: performance.now() }, request, op);
      return;
    }
    const { watermark } = this.engine;
    if (node.state !== 'node') this.reply(xid, watermark, CODES.noNode);
    else {
      this.reply(xid, watermark, 0, () => {
        if (op === 'getData') this.writer.buffer(node.data ?? null);
        write.Stat(this.writer, node.stat);
      });
    }
    this.#hooks.onAnswered(0);
  }
}
