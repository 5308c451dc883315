/** The network of a run: a TCP proxy for each pair of a program and what it connects to. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { loopback } from '../../../operator/servers/index.ts';
import { CHAOS } from '../bounds.ts';

/**
 * - `open`: everything passes.
 * - `held`: nothing arrives, in both directions, in one (`heldTo`, `heldFrom` the server); it does when the link is open
 *   again, as what TCP sends again after a partition.
 * - `slow`: everything arrives late.
 * - `cut`: connections break, new ones are refused.
 */
export type LinkState = 'open' | 'held' | 'heldTo' | 'heldFrom' | 'slow' | 'cut';
export const BAD_STATES: readonly LinkState[] = ['held', 'heldTo', 'heldFrom', 'slow', 'cut'];

interface Target {
  readonly host: string;
  readonly port: number;
}

/** From one program to one server. */
export class Link implements AsyncDisposable {
  /** `writer→redis` */
  readonly name: string;
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #target: Target;
  #state: LinkState = 'open';

  private constructor(name: string, server: Server, target: Target) {
    this.name = name;
    this.#server = server;
    this.#target = target;
    this.port = (server.address() as { port: number }).port;
    server.on('connection', (socket) => this.#connected(socket));
  }

  static async open(name: string, target: Target): Promise<Link> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, loopback, resolve);
    });
    return new Link(name, server, target);
  }

  set state(state: LinkState) {
    this.#state = state;
    for (const pair of [...this.#pairs]) pair.state = state;
  }

  /** Leads elsewhere from now on; what is connected is cut off. */
  retarget(target: Target): void {
    this.#target = target;
    for (const pair of [...this.#pairs]) pair.state = 'cut';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pair of [...this.#pairs]) pair.state = 'cut';
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connected(socket: Socket): void {
    if (this.#state === 'cut') {
      socket.resetAndDestroy();
      return;
    }
    const pair = new Pair(socket, connect({ ...this.#target, allowHalfOpen: true }), () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
    pair.state = this.#state;
  }
}

/** Both halves of one connection through a link. */
class Pair {
  readonly #to: Way;
  readonly #from: Way;

  constructor(client: Socket, server: Socket, gone: () => void) {
    this.#to = new Way(client, server);
    this.#from = new Way(server, client);
    let open = 2;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.once('close', () => {
        if (--open === 0) gone();
      });
    }
  }

  set state(state: LinkState) {
    const delay = state === 'slow' ? CHAOS.delayMs : 0;
    if (state === 'cut') this.#to.cut();
    this.#to.pass(state !== 'held' && state !== 'heldTo', delay);
    this.#from.pass(state !== 'held' && state !== 'heldFrom', delay);
  }
}

/** One direction of a connection. */
class Way {
  readonly #source: Socket;
  readonly #sink: Socket;
  /** What is on its way; undefined is the end of it. */
  readonly #queue: { readonly chunk: Buffer | undefined; readonly due: number }[] = [];
  #passes = true;
  #delayMs = 0;
  #queued = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, sink: Socket) {
    this.#source = source;
    this.#sink = sink;
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    // An error ends the connection at the other side as well, when it can be heard there.
    for (const event of ['end', 'error'] as const) source.on(event, () => this.#take(undefined));
    source.on('close', () => this.#take(undefined));
    sink.on('drain', () => source.resume());
  }

  pass(passes: boolean, delayMs: number): void {
    this.#passes = passes;
    this.#delayMs = delayMs;
    this.#send();
  }

  cut(): void {
    clearTimeout(this.#timer);
    this.#queue.length = 0;
    for (const socket of [this.#source, this.#sink]) socket.destroy();
  }

  #take(chunk: Buffer | undefined): void {
    this.#queue.push({ chunk, due: performance.now() + this.#delayMs });
    this.#queued += chunk?.length ?? 0;
    if (this.#queued > CHAOS.heldBytes) this.#source.pause();
    this.#send();
  }

  #send(): void {
    clearTimeout(this.#timer);
    while (this.#passes) {
      const [first] = this.#queue;
      if (first === undefined) break;
      const wait = first.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#send(), wait);
        return;
      }
      this.#queue.shift();
      this.#queued -= first.chunk?.length ?? 0;
      if (first.chunk === undefined) this.#finish();
      else if (!this.#sink.destroyed && !this.#sink.write(first.chunk)) this.#source.pause();
      else if (this.#queued <= CHAOS.heldBytes) this.#source.resume();
    }
  }

  #finish(): void {
    if (this.#source.destroyed) this.#sink.destroySoon();
    else this.#sink.end();
  }
}

/** All links of a run. */
export class Network implements AsyncDisposable {
  readonly #links = new Map<string, Link>();

  /** Port of a new link on this machine. */
  async link(from: string, to: string, target: Target): Promise<number> {
    const link = await Link.open(`${from}→${to}`, target);
    this.#links.set(link.name, link);
    return link.port;
  }

  /** `nats` as `from` sees it is `from→nats`; either may be any. */
  between(from: string | undefined, to: string | undefined): Link[] {
    return [...this.#links.values()].filter(({ name }) => {
      const [one, other] = name.split('→');
      return (from === undefined || one === from) && (to === undefined || other === to);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => link[Symbol.asyncDispose]()));
  }
}
