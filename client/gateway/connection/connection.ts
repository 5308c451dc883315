import type { Socket } from 'node:net';
import { ConnectionLossError, type FaaSKeeperError, type Identity, isFaaSKeeperError } from '@faaskeeper/protocol';
import type { Engine } from '../../engine.ts';
import type { SessionState } from '../../session/states.ts';
import { BOUNDS } from '../bounds.ts';
import type { Instance } from '../instance.ts';
import { JuteReader, type JuteRecord, JuteWriter, read, write } from '../jute/index.ts';
import { wordOf } from '../words/names.ts';
import { FrameReader } from './frames.ts';
import { Served } from './served.ts';
import { type ConnectionState, mayBecome } from './states.ts';

/** What a connection needs of its gateway. */
export interface ConnectionHost {
  readonly instance: Instance;
  readonly identities: readonly Identity[];
  readonly maxBuffer: number;
  readonly multiOperations: number;
  readonly enforcedSchemes: ReadonlySet<string> | undefined;
  /** Counts up by one each BOUNDS.tick. */
  readonly tick: number;
  /** The instance has as many requests to answer as it may: who waits for an answer is not read from. */
  readonly crowded: boolean;
  /** The answer to a four-letter word. */
  answerWord(word: string): Promise<string>;
  onLatency(ms: number): void;
  /** Requests without an answer have become more or fewer. */
  onOutstanding(change: number): void;
  onClosed(connection: Connection, reason: string): void;
}

const NO_PASSWORD = new Uint8Array(16);
const PASSWORD_BYTES = 16;

/** One client's TCP connection, from its first byte to its end. What goes wrong here ends this connection only. */
export class Connection {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly since = Date.now();
  received = 0;
  sent = 0;
  state: ConnectionState = 'greeting';
  served: Served | undefined;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #frames: FrameReader;
  readonly #writer = new JuteWriter();
  #opening: AbortController | undefined;
  #deadline: number;
  #heard: number;
  #suspendedSince: number | undefined;
  #paused = false;
  /** Requests without an answer that the host knows of. */
  #counted = 0;
  /** Bytes that the socket had taken at the last look. */
  #taken = 0;
  #flushing = false;
  #reason = 'the client closed the connection';

  constructor(socket: Socket, id: number, host: ConnectionHost) {
    this.id = id;
    this.#socket = socket;
    this.#host = host;
    this.#frames = new FrameReader(host.maxBuffer);
    this.address = addressOf(socket);
    this.port = socket.remotePort ?? 0;
    this.#heard = host.tick;
    this.#deadline = host.tick + BOUNDS.greetingTime / BOUNDS.tick;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#resume());
    // A client that half-closes after a four-letter word still wants the answer; any other has left.
    socket.on('end', () => {
      if (this.state === 'greeting' || this.state === 'connected' || this.state === 'opening')
        this.close('the client left');
    });
    socket.on('error', (error) => this.destroy(error.message));
    socket.on('close', () => this.#closed());
  }

  get engine(): Engine | undefined {
    return this.served?.engine;
  }

  get outstanding(): number {
    return this.served?.replies.outstanding ?? 0;
  }

  /** Called each tick: ends what has waited too long. */
  look(tick: number): void {
    if (this.state === 'greeting' || this.state === 'closing') {
      if (tick > this.#deadline) this.destroy('it took too long');
      return;
    }
    const { engine } = this;
    if (this.state !== 'connected' || engine === undefined) return;
    this.served?.answerLatePings(BOUNDS.pingTime);
    const timeout = engine.session.timeout / BOUNDS.tick;
    // Not heard because we do not listen: the client is not to blame, unless it takes nothing of what is sent.
    const taken = this.#socket.bytesWritten - this.#socket.writableLength;
    if (this.#paused && (this.#socket.writableLength === 0 || taken !== this.#taken)) this.#heard = tick;
    this.#taken = taken;
    if (tick - this.#heard > timeout + 1) this.#expire(engine);
    else if (engine.session.state === 'connected') this.#suspendedSince = undefined;
    else {
      this.#suspendedSince ??= tick;
      if (tick - this.#suspendedSince > timeout / 3) this.close('the instance does not answer');
    }
  }

  /** The gateway stood still for so many ticks: silence in that time says nothing. */
  forgive(ticks: number): void {
    this.#heard += ticks;
    this.#deadline += ticks;
  }

  /** What is written leaves, then the connection ends. The session stays. */
  close(reason: string): void {
    if (!mayBecome(this.state, 'closing')) return;
    this.#reason = reason;
    this.state = 'closing';
    this.#opening?.abort();
    this.#flush();
    this.#leave();
    this.#deadline = this.#host.tick + BOUNDS.lingerTime / BOUNDS.tick;
    this.#socket.end();
    this.#socket.resume();
  }

  destroy(reason: string): void {
    if (this.state === 'closed') return;
    if (this.state !== 'closing') this.#reason = reason;
    this.#socket.destroy();
  }

  resetCounters(): void {
    this.received = 0;
    this.sent = 0;
  }

  #receive(chunk: Buffer): void {
    if (this.state === 'closing' || this.state === 'closed') return;
    this.#frames.push(chunk);
    this.#serve();
  }

  #serve(): void {
    try {
      if (this.state === 'greeting' && !this.#greet()) return;
      while (this.state === 'connected' && !this.#mustPause()) {
        const frame = this.#frames.next();
        if (frame === undefined) break;
        this.received++;
        this.#heard = this.#host.tick;
        this.served?.request(frame);
        this.#count();
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error.message : String(error));
      return;
    }
    this.#flush();
    if (this.state === 'opening' || this.#mustPause()) this.#pause();
  }

  /** False until there is more. */
  #greet(): boolean {
    const number = this.#frames.word();
    if (number === undefined) return false;
    const word = wordOf(number);
    if (word !== undefined) {
      void this.#answerWord(word);
      return false;
    }
    const frame = this.#frames.next();
    if (frame === undefined) return false;
    this.received++;
    const request = read.ConnectRequest(new JuteReader(frame));
    this.state = 'opening';
    void this.#open(request);
    return true;
  }

  async #answerWord(word: string): Promise<void> {
    this.state = 'closing';
    this.#reason = `answered ${word}`;
    this.#deadline = this.#host.tick + BOUNDS.lingerTime / BOUNDS.tick;
    const text = await this.#host.answerWord(word).catch(() => '');
    this.#socket.end(text);
    this.#socket.resume();
  }

  async #open(request: JuteRecord<'ConnectRequest'>): Promise<void> {
    const { lastZxidSeen, timeOut, sessionId, passwd } = request;
    const reattach = sessionId !== 0;
    if (reattach && !(typeof sessionId === 'number' && sessionId > 0 && passwd?.length === PASSWORD_BYTES)) {
      this.#refuse(request);
      return;
    }
    this.#opening = new AbortController();
    const session = reattach ? { id: sessionId as number, password: new Uint8Array(passwd as Uint8Array) } : undefined;
    let engine: Engine;
    try {
      const { identities, instance } = this.#host;
      engine = await instance.open({
        timeout: Math.max(0, timeOut),
        session,
        identities,
        signal: this.#opening.signal,
      });
    } catch (error) {
      if (isFaaSKeeperError(error) && error.code === 'SessionExpired') this.#refuse(request);
      else this.destroy(error instanceof Error ? error.message : String(error));
      return;
    }
    if (this.state !== 'opening') {
      abandon(engine, !reattach);
      return;
    }
    if (lastZxidSeen > engine.zxid) {
      abandon(engine, !reattach);
      this.destroy(`the client has seen ${lastZxidSeen}, which is ahead of ${engine.zxid}`);
      return;
    }
    this.#attached(engine, request);
  }

  #attached(engine: Engine, request: JuteRecord<'ConnectRequest'>): void {
    const { session } = engine;
    if (session.ended !== undefined) {
      this.destroy(session.ended.message);
      return;
    }
    this.state = 'connected';
    this.#opening = undefined;
    this.#heard = this.#host.tick;
    engine.events.on('state', (state) => this.#onSession(state, session.ended));
    this.served = new Served(engine, {
      writer: this.#writer,
      onWritten: () => this.#written(),
      onAnswered: (ms) => {
        this.#host.onLatency(ms);
        this.#count();
        if (this.#paused) this.#resumeSoon();
      },
      onEnd: (reason) => this.close(reason),
      enforcedSchemes: this.#host.enforcedSchemes,
      schemes: this.#host.identities.map(({ scheme }) => scheme),
      multiOperations: this.#host.multiOperations,
    });
    this.#welcome(request, session.timeout, session.id, session.password);
    this.#flush();
    this.#resume();
  }

  #refuse(request: JuteRecord<'ConnectRequest'>): void {
    this.#welcome(request, 0, 0, NO_PASSWORD);
    this.close('there is no such session');
  }

  /** Clients from before 3.4 neither send nor expect the read-only byte. */
  #welcome({ readOnly }: JuteRecord<'ConnectRequest'>, timeOut: number, sessionId: number, passwd: Uint8Array): void {
    this.#writer.begin();
    const answer = { protocolVersion: 0, timeOut, sessionId, passwd };
    write.ConnectResponse(this.#writer, readOnly === undefined ? answer : { ...answer, readOnly: false });
    this.#writer.end();
    this.sent++;
  }

  #onSession(state: SessionState, ended: FaaSKeeperError | undefined): void {
    if (state !== 'expired' && state !== 'closed') return;
    this.close(ended?.message ?? `the session is ${state}`);
  }

  /** As ZooKeeper does with a session that it has not heard of for so long. */
  #expire(engine: Engine): void {
    engine
      .write({ type: 'closeSession' }, {}, () => undefined)
      .catch(() => undefined)
      .finally(() => this.destroy('the client was silent for longer than its session timeout'));
    engine.closing = true;
    this.state = 'closing';
    this.#deadline = this.#host.tick + BOUNDS.lingerTime / BOUNDS.tick;
  }

  /** The session goes on without us, until it is attached elsewhere or expires. */
  #leave(): void {
    const { served } = this;
    if (served === undefined) return;
    served.stop();
    this.#count();
    abandon(served.engine, false);
  }

  #count(): void {
    const { outstanding } = this;
    if (outstanding === this.#counted) return;
    this.#host.onOutstanding(outstanding - this.#counted);
    this.#counted = outstanding;
  }

  #mustPause(): boolean {
    const replies = this.served?.replies;
    if (replies === undefined) return false;
    return (
      replies.outstanding >= BOUNDS.outstandingRequests ||
      replies.bytes >= BOUNDS.outstandingBytes ||
      (replies.outstanding > 0 && this.#host.crowded) ||
      this.#socket.writableLength >= BOUNDS.unsentBytes
    );
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #resumeSoon(): void {
    // After the answers of this turn; a request that is read meanwhile would be taken out of turn.
    setImmediate(() => this.#resume());
  }

  #resume(): void {
    if (!this.#paused || this.state !== 'connected' || this.#mustPause()) return;
    this.#paused = false;
    this.#heard = this.#host.tick;
    this.#serve();
    if (!this.#paused) this.#socket.resume();
  }

  #written(): void {
    this.sent++;
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    this.#count();
    if (this.#paused) this.#resumeSoon();
    if (this.#writer.bytes === 0 || this.#socket.destroyed) return;
    const chunks = this.#writer.take();
    if (chunks.length === 1) this.#socket.write(chunks[0] as Uint8Array);
    else {
      this.#socket.cork();
      for (const chunk of chunks) this.#socket.write(chunk);
      this.#socket.uncork();
    }
    if (this.#socket.writableLength > BOUNDS.unsentBytesMax) this.destroy('the client does not take its replies');
  }

  #closed(): void {
    if (this.state === 'closed') return;
    this.#opening?.abort();
    this.#leave();
    this.state = 'closed';
    this.#frames.clear();
    this.#host.onClosed(this, this.#reason);
  }
}

function abandon(engine: Engine, close: boolean): void {
  const shut = () => engine.shut(new ConnectionLossError('The connection has ended'));
  if (close) {
    engine
      .write({ type: 'closeSession' }, { timeout: BOUNDS.lingerTime }, () => undefined)
      .catch(() => undefined)
      .finally(() => void shut());
  } else void shut();
}

/** IPv4 in its own notation, also where the server listens on IPv6. */
export function addressOf(socket: Socket): string {
  const address = socket.remoteAddress ?? '';
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
