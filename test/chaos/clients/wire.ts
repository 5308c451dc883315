import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, type ErrorCode } from '@faaskeeper/protocol';
import {
  type Address,
  type Fields,
  type Incoming,
  WireConnection,
  type WireRequest,
} from '../../support/zk-wire/index.ts';
import { CHAOS } from '../bounds.ts';
import type { Found, Operation, Outcome } from '../history.ts';
import { failed, type Session, type SessionListener } from './session.ts';

const MODES = { create: 0, ephemeral: 1, append: 2 } as const;
const OPEN_ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const EVENTS: Readonly<Record<number, string>> = {
  1: 'NodeCreated',
  2: 'NodeDeleted',
  3: 'NodeDataChanged',
  4: 'NodeChildrenChanged',
};
/** What ZooKeeper answers for an operation of a multi that was refused for another one. */
const OTHERS_FAULT = new Set([0, -2]);

type Reply = Extract<Incoming, { kind: 'reply' }>;

/** The connection broke before the answer came. */
class Broken extends Error {}

/**
 * A session of ZooKeeper's protocol: it attaches again over a new connection when one breaks, as ZooKeeper's clients do,
 * but leaves its watches behind then (`reattached`).
 */
export class WireSession implements Session {
  readonly #address: Address;
  readonly #listener: SessionListener;
  #connection: WireConnection;
  #id = 0n;
  #password: Buffer = Buffer.alloc(16);
  #timeoutMs: number;
  #over = false;
  #lastZxid = 0n;
  #replies: Reply[] = [];
  #wake: () => void = () => {};
  #reconnecting: Promise<void> | undefined;
  #pinger: NodeJS.Timeout | undefined;

  private constructor(address: Address, connection: WireConnection, timeoutMs: number, listener: SessionListener) {
    this.#address = address;
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
  }

  /** @throws when no session could be opened. */
  static async open(address: Address, timeoutMs: number, listener: SessionListener): Promise<WireSession> {
    const connection = await WireConnection.open(address);
    const session = new WireSession(address, connection, timeoutMs, listener);
    const shake = await connection.handshake({ timeoutMs });
    if (shake === undefined || shake.timeoutMs === 0) {
      connection.destroy();
      throw new Error('The gateway opens no session');
    }
    session.#id = shake.sessionId;
    session.#password = shake.password;
    session.#timeoutMs = shake.timeoutMs;
    listener.changed('opened', session.id);
    session.#listen(connection);
    session.#pinger = setInterval(() => session.#ping(), shake.timeoutMs / 3);
    return session;
  }

  get id(): number {
    return Number(this.#id);
  }

  get alive(): boolean {
    return !this.#over;
  }

  async perform(operation: Operation): Promise<Outcome> {
    if (this.#reconnecting !== undefined) await Promise.race([this.#reconnecting, sleep(CHAOS.callMs)]);
    if (this.#over) return { type: 'fail', error: 'SessionExpired' };
    if (this.#connection.closed) return { type: 'fail', error: 'ConnectionLoss' };
    try {
      const replies = await this.#call(requestsOf(operation));
      return outcomeOf(operation, replies);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      return failed(operation, error.message);
    }
  }

  async close(): Promise<void> {
    const living = !this.#over && this.#reconnecting === undefined;
    if (living)
      await this.#call([{ op: 'closeSession', args: {} }]).then(
        () => this.#end('closed'),
        () => undefined,
      );
    if (!this.#over) this.#end('lost');
    this.#connection.destroy();
  }

  async #call(requests: readonly WireRequest[]): Promise<readonly Reply[]> {
    const connection = this.#connection;
    this.#replies = [];
    connection.send(...requests);
    const deadline = performance.now() + CHAOS.callMs;
    while (this.#replies.length < requests.length) {
      if (connection !== this.#connection || connection.closed) throw new Broken('ConnectionLoss');
      const left = deadline - performance.now();
      if (left <= 0) {
        // A late answer must not be taken for that of a later call.
        connection.destroy();
        throw new Broken('OperationTimeout');
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#replies;
  }

  #ping(): void {
    if (!this.#over && this.#reconnecting === undefined) this.#connection.send({ op: 'ping', args: {} });
  }

  /** Takes what comes until the connection ends, then looks for another one. */
  #listen(connection: WireConnection): void {
    const take = async () => {
      for (;;) {
        const incoming = await connection.next(this.#timeoutMs);
        if (incoming.kind === 'closed' || incoming.kind === 'silence' || incoming.kind === 'garbage') return;
        if (connection.lastZxid > this.#lastZxid) this.#lastZxid = connection.lastZxid;
        if (incoming.kind === 'event') {
          const event = EVENTS[incoming.type];
          if (event !== undefined) this.#listener.event(event, incoming.path, Number(incoming.zxid));
        } else if (incoming.op !== 'ping') {
          this.#replies.push(incoming);
          this.#wake();
        }
      }
    };
    void take().then(() => {
      connection.destroy();
      if (this.#over) return;
      this.#reconnecting = this.#reconnect().finally(() => {
        this.#reconnecting = undefined;
      });
      this.#wake();
    });
  }

  async #reconnect(): Promise<void> {
    while (!this.#over) {
      const shake = await this.#attach().catch(() => undefined);
      if (shake === 'expired') this.#end('expired');
      else if (shake !== undefined) {
        this.#connection = shake;
        this.#listener.changed('reattached', this.id);
        return this.#listen(shake);
      }
      if (!this.#over) await sleep(CHAOS.againMs);
    }
  }

  async #attach(): Promise<WireConnection | 'expired' | undefined> {
    const connection = await WireConnection.open(this.#address);
    const shake = await connection.handshake({
      timeoutMs: this.#timeoutMs,
      sessionId: this.#id,
      password: this.#password,
      lastZxidSeen: this.#lastZxid,
    });
    if (shake !== undefined && shake.timeoutMs > 0) return connection;
    connection.destroy();
    return shake === undefined ? undefined : 'expired';
  }

  #end(change: 'closed' | 'expired' | 'lost'): void {
    this.#over = true;
    clearInterval(this.#pinger);
    this.#listener.changed(change, this.id);
    this.#wake();
  }
}

function requestsOf(operation: Operation): WireRequest[] {
  switch (operation.f) {
    case 'create':
    case 'ephemeral':
    case 'append': {
      const path = operation.f === 'append' ? `${operation.path}/n-` : operation.path;
      const data = Buffer.from(operation.value);
      return [{ op: 'create2', args: { path, data, acl: OPEN_ACL, flags: MODES[operation.f] } }];
    }
    case 'set': {
      const { path, value, version } = operation;
      return [{ op: 'setData', args: { path, data: Buffer.from(value), version } }];
    }
    case 'delete':
      return [{ op: 'delete', args: { path: operation.path, version: operation.version } }];
    case 'multi': {
      const parts = operation.sets.map(({ path, value }) => {
        return { op: 'setData', args: { path, data: Buffer.from(value), version: -1 } };
      });
      return [{ op: 'multi', args: { parts: parts as unknown as Fields[] } }];
    }
    case 'read': {
      const { path, sync, watch } = operation;
      const read: WireRequest = { op: 'getData', args: { path, watch } };
      return sync ? [{ op: 'sync', args: { path } }, read] : [read];
    }
  }
}

function outcomeOf(operation: Operation, replies: readonly Reply[]): Outcome {
  const refused = replies.find(({ err }) => err !== 0);
  const last = replies.at(-1) as Reply;
  const zxid = Number(last.zxid);
  if (refused !== undefined) return failed(operation, nameOf(refused.err), { zxid });
  if (operation.f === 'multi') return outcomeOfMulti(operation, last.body, zxid);
  if (operation.f === 'delete') return { type: 'ok', result: { nodes: [], zxid } };
  const { path = operation.path, data } = last.body as { path?: string; data?: Buffer | null };
  const value = operation.f === 'read' ? (data ?? '').toString() : operation.value;
  return { type: 'ok', result: { nodes: [found(path, value, last.body.stat as Fields)], zxid } };
}

function outcomeOfMulti(operation: Operation & { f: 'multi' }, { results }: Fields, zxid: number): Outcome {
  const parts = results as readonly { readonly type: number; readonly result?: Fields }[];
  const codes = operation.sets.map((_, at) => (parts[at]?.type === -1 ? Number(parts[at]?.result?.count) : 0));
  const culprit = codes.findIndex((code) => !OTHERS_FAULT.has(code));
  const blamed = operation.sets[culprit];
  if (blamed !== undefined) return failed(operation, nameOf(codes[culprit] as number), { path: blamed.path, zxid });
  const nodes = operation.sets.map(({ path, value }, at) => found(path, value, parts[at]?.result?.stat as Fields));
  return { type: 'ok', result: { nodes, zxid } };
}

const NAMES = new Map(Object.entries(ERRORS).map(([name, { zookeeper }]) => [zookeeper as number, name as ErrorCode]));

function nameOf(code: number): string {
  return NAMES.get(code) ?? `error ${code}`;
}

function found(path: string, value: string, { version, mzxid, ephemeralOwner }: Fields): Found {
  return { path, value, version: Number(version), mzxid: Number(mzxid), owner: Number(ephemeralOwner) };
}
