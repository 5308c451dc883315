/** One TCP connection that speaks ZooKeeper's client protocol, a frame at a time and without hiding anything. */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Fields } from './jute.ts';
import { decode, encode, encodeRequest, type OperationName, operationOf } from './records.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
  /** With it the connection is encrypted. */
  readonly tls?: ConnectionOptions | undefined;
}

export interface ConnectArguments {
  readonly timeoutMs?: number;
  readonly sessionId?: bigint;
  readonly password?: Buffer;
  readonly lastZxidSeen?: bigint;
  /** undefined: the request has no readOnly byte, as old clients send it. */
  readonly readOnly?: boolean | undefined;
}

export interface Handshake {
  readonly protocolVersion: number;
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Buffer;
  readonly bytes: number;
}

export interface WireRequest {
  readonly op: OperationName;
  readonly args: Fields;
}

/** What came from the server, in order. */
export type Incoming =
  | {
      readonly kind: 'event';
      readonly zxid: bigint;
      readonly type: number;
      readonly state: number;
      readonly path: string;
    }
  | {
      readonly kind: 'reply';
      readonly op: OperationName;
      readonly zxid: bigint;
      readonly err: number;
      readonly body: Fields;
    }
  | { readonly kind: 'closed' }
  /** Nothing, although an answer is due. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'garbage'; readonly what: string };

/** Longer than any server may take on a busy machine. */
const patienceMs = 20_000;
const eventXid = -1;

export class WireConnection {
  readonly #socket: Socket;
  readonly #frames: Buffer[] = [];
  readonly #expected: { xid: number; op: OperationName }[] = [];
  #buffered: Buffer = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};
  #xid = 0;
  /** Of headers so far, for lastZxidSeen and setWatches. */
  lastZxid = 0n;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on('error', end).on('close', end).on('end', end);
  }

  static async open({ host, port, tls }: Address): Promise<WireConnection> {
    const socket = tls === undefined ? connect({ host, port }) : connectTls({ host, port, ...tls });
    await new Promise<void>((resolve, reject) => {
      socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve);
      socket.once('error', reject);
    });
    return new WireConnection(socket);
  }

  /** The server's answer, or undefined if it closed the connection instead. */
  async handshake(args: ConnectArguments = {}): Promise<Handshake | undefined> {
    const { timeoutMs = 30_000, sessionId = 0n, password = Buffer.alloc(16), lastZxidSeen = 0n, readOnly } = args;
    const request = { protocolVersion: 0, lastZxidSeen, timeoutMs, sessionId, password };
    const flag = readOnly === undefined ? [] : [Buffer.from([readOnly ? 1 : 0])];
    this.sendFrame(Buffer.concat([encode('ConnectRequest', request), ...flag]));
    const frame = await this.#frame();
    if (frame === undefined || frame === 'silence') return undefined;
    this.lastZxid = lastZxidSeen;
    return { ...(decode('ConnectReply', frame).fields as unknown as Handshake), bytes: frame.length };
  }

  /** Sends requests in one write. */
  send(...requests: readonly WireRequest[]): void {
    const frames = requests.map(({ op, args }) => {
      const xid = operationOf(op).xid ?? ++this.#xid;
      this.#expected.push({ xid, op });
      return framed(encodeRequest(xid, op, args));
    });
    this.#socket.write(Buffer.concat(frames));
  }

  sendFrame(body: Buffer): void {
    this.#socket.write(framed(body));
  }

  sendBytes(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Everything up to the last reply that is due, or the connection's end. */
  async replies(): Promise<Incoming[]> {
    const incoming: Incoming[] = [];
    while (this.#expected.length > 0) {
      const next = await this.next();
      incoming.push(next);
      if (next.kind === 'closed' || next.kind === 'silence' || next.kind === 'garbage') this.#expected.length = 0;
    }
    return incoming;
  }

  async next(timeoutMs = patienceMs): Promise<Incoming> {
    const frame = await this.#frame(timeoutMs);
    if (frame === undefined) return { kind: 'closed' };
    if (frame === 'silence') return { kind: 'silence' };
    try {
      return this.#understand(frame);
    } catch (error) {
      return { kind: 'garbage', what: `${(error as Error).message}: ${frame.toString('hex')}` };
    }
  }

  get closed(): boolean {
    return this.#ended && this.#frames.length === 0;
  }

  /** Takes nothing from the socket any more, as a client that hangs. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #understand(frame: Buffer): Incoming {
    const { xid, zxid, err } = decode('ReplyHeader', frame).fields as { xid: number; zxid: bigint; err: number };
    if (zxid > this.lastZxid) this.lastZxid = zxid;
    const body = frame.subarray(16);
    if (xid === eventXid) {
      const { fields, rest } = decode('Event', body);
      if (rest > 0 || err !== 0) throw new Error(`an event with err ${err} and ${rest} more bytes`);
      return { kind: 'event', zxid, ...(fields as unknown as { type: number; state: number; path: string }) };
    }
    const expected = this.#expected.shift();
    if (expected?.xid !== xid) throw new Error(`a reply with xid ${xid}, expected ${expected?.xid}`);
    const { op } = expected;
    if (err !== 0 || body.length === 0) {
      if (body.length > 0) throw new Error(`an error ${err} with a body`);
      return { kind: 'reply', op, zxid, err, body: {} };
    }
    const { fields, rest } = decode(operationOf(op).reply, body);
    if (rest > 0) throw new Error(`${rest} bytes too many in a reply of ${op}`);
    return { kind: 'reply', op, zxid, err, body: fields };
  }

  #receive(chunk: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, chunk]);
    while (this.#buffered.length >= 4) {
      const length = this.#buffered.readInt32BE();
      if (this.#buffered.length < 4 + length) break;
      this.#frames.push(this.#buffered.subarray(4, 4 + length));
      this.#buffered = this.#buffered.subarray(4 + length);
    }
    this.#wake();
  }

  async #frame(timeoutMs = patienceMs): Promise<Buffer | 'silence' | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      if (this.#ended) return undefined;
      const left = deadline - performance.now();
      if (left <= 0) return 'silence';
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}
