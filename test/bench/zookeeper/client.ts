import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchClient } from '../client.ts';
import { eventXid, FrameSplitter, type Opcode, opcodes, pingXid, Reader, Writer } from './wire.ts';

const sessionTimeoutMs = 30_000;
const pingEveryMs = 8_000;
const connectMs = 10_000;
const retryMs = 50;
const headerBytes = 16;
/** More answered requests than this are not kept. */
const answeredKept = 1_024;
/** Version of each setData and delete: any. */
const anyVersion = -1;
const persistentWatch = 0;

/** ZooKeeper's return code of a refused request. */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError';
  readonly code: number;

  constructor(code: number, operation: Opcode) {
    super(`ZooKeeper refused ${operation} with code ${code}`);
    this.code = code;
  }
}

interface Pending {
  readonly operation: Opcode;
  readonly xid: number;
  readonly resolve: (answer: Reader) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A session with a ZooKeeper server that does as little as it can, so that the bench measures the server: one frame
 * per request, answers in order, what is asked for in one turn of the event loop leaves in one write.
 */
export class ZooKeeperClient implements BenchClient {
  readonly #socket: Socket;
  readonly #pending: Pending[] = [];
  readonly #watches = new Map<string, () => void>();
  readonly #ping: NodeJS.Timeout;
  /** So many at the front of #pending are answered: they are removed in bulk. */
  #answered = 0;
  #xid = 0;
  #corked = false;
  #broken: Error | undefined;
  #onOpened: ((answer: Reader) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const splitter = new FrameSplitter((frame) => this.#receive(frame));
    socket.on('data', (chunk: Buffer) => splitter.push(chunk));
    socket.on('close', () => this.#fail(new Error('The connection to ZooKeeper is closed')));
    socket.on('error', (error) => this.#fail(error));
    this.#ping = setInterval(() => this.#write(new Writer().int(pingXid).int(opcodes.ping).frame()), pingEveryMs);
    this.#ping.unref();
  }

  /** Opens a session; a server that has just begun to listen refuses some first. */
  static async connect(host: string, port: number): Promise<ZooKeeperClient> {
    const deadline = performance.now() + connectMs;
    for (;;) {
      try {
        return await ZooKeeperClient.#open(host, port);
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await delay(retryMs);
      }
    }
  }

  static async #open(host: string, port: number): Promise<ZooKeeperClient> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, 'connect');
    const client = new ZooKeeperClient(socket);
    const opened = new Promise<Reader>((resolve, reject) => {
      client.#onOpened = resolve;
      socket.once('close', () => reject(new Error('ZooKeeper refused the session')));
    });
    const request = new Writer().int(0).long(0n).int(sessionTimeoutMs).long(0n).bytes(Buffer.alloc(16)).bool(false);
    socket.write(request.frame());
    await opened;
    return client;
  }

  create(path: string, data: Uint8Array): Promise<Reader> {
    return this.#ask('create', (request) => request.text(path).bytes(data).openAcl().int(0), data.length);
  }

  createAll(paths: readonly string[]): Promise<Reader> {
    return this.#multi('create', paths, (request, path) => request.text(path).int(0).openAcl().int(0));
  }

  setAll(paths: readonly string[], data: Uint8Array): Promise<Reader> {
    const fill = (request: Writer, path: string) => request.text(path).bytes(data).int(anyVersion);
    return this.#multi('setData', paths, fill, data.length);
  }

  setData(path: string, data: Uint8Array): Promise<Reader> {
    return this.#ask('setData', (request) => request.text(path).bytes(data).int(anyVersion), data.length);
  }

  delete(path: string): Promise<Reader> {
    return this.#ask('delete', (request) => request.text(path).int(anyVersion));
  }

  getData(path: string): Promise<Buffer> {
    return this.#ask('getData', (request) => request.text(path).bool(false)).then((answer) => answer.bytes());
  }

  exists(path: string): Promise<Reader> {
    return this.#ask('exists', (request) => request.text(path).bool(false));
  }

  getChildren(path: string): Promise<string[]> {
    return this.#ask('getChildren2', (request) => request.text(path).bool(false)).then((answer) => answer.texts());
  }

  /** What a server answered is visible there. */
  settled(path: string): Promise<Reader> {
    return this.#ask('sync', (request) => request.text(path));
  }

  async watch(path: string, onChange: () => void): Promise<void> {
    this.#watches.set(path, onChange);
    await this.#ask('addWatch', (request) => request.text(path).int(persistentWatch));
  }

  async close(): Promise<void> {
    clearInterval(this.#ping);
    await this.#ask('closeSession', () => {}).catch(() => undefined);
    this.#socket.destroy();
  }

  #multi(
    operation: Opcode,
    paths: readonly string[],
    fillOne: (request: Writer, path: string) => void,
    dataBytes = 0,
  ): Promise<Reader> {
    const fill = (request: Writer) => {
      for (const path of paths) {
        request.int(opcodes[operation]).bool(false).int(-1);
        fillOne(request, path);
      }
      request.int(-1).bool(true).int(-1);
    };
    return this.#ask('multi', fill, paths.length * (64 + dataBytes)).then(refuseFailedMulti);
  }

  #ask(operation: Opcode, fill: (request: Writer) => void, dataBytes = 0): Promise<Reader> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const xid = ++this.#xid;
    const request = new Writer(dataBytes + 256).int(xid).int(opcodes[operation]);
    fill(request);
    return new Promise((resolve, reject) => {
      this.#pending.push({ operation, xid, resolve, reject });
      this.#write(request.frame());
    });
  }

  #write(frame: Buffer): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      queueMicrotask(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
  }

  #receive(frame: Buffer): void {
    if (this.#onOpened !== undefined) {
      this.#onOpened(new Reader(frame));
      this.#onOpened = undefined;
      return;
    }
    const xid = frame.readInt32BE(0);
    if (xid === pingXid) return;
    if (xid === eventXid) {
      const path = new Reader(frame, headerBytes).skip(8).text();
      this.#watches.get(path)?.();
      return;
    }
    const request = this.#pending[this.#answered++];
    if (this.#answered === this.#pending.length || this.#answered > answeredKept) {
      this.#pending.splice(0, this.#answered);
      this.#answered = 0;
    }
    if (request?.xid !== xid) {
      this.#fail(new Error(`ZooKeeper answered ${xid}, not ${request?.xid}`));
      return;
    }
    const code = frame.readInt32BE(12);
    if (code === 0) request.resolve(new Reader(frame, headerBytes));
    else request.reject(new ZooKeeperError(code, request.operation));
  }

  #fail(error: Error): void {
    this.#broken ??= error;
    clearInterval(this.#ping);
    for (const request of this.#pending.splice(0).slice(this.#answered)) request.reject(error);
    this.#answered = 0;
  }
}

/** A multi that failed is answered without an error; its first result says so. */
function refuseFailedMulti(answer: Reader): Reader {
  if (answer.int() === -1) {
    answer.skip(1 + 4);
    throw new ZooKeeperError(answer.int(), 'multi');
  }
  return answer;
}
