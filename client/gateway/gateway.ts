import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { LIMITS } from '@faaskeeper/protocol';
import type { Logger } from 'pino';
import { BOUNDS } from './bounds.ts';
import { addressOf, Connection } from './connection/connection.ts';
import { type GatewayOutside, Instance } from './instance.ts';
import { Latency } from './latency.ts';
import type { GatewaySettings, InstanceSettings } from './settings.ts';
import { ANSWERS, type Facts, isWord, notListed } from './words/index.ts';

export const GATEWAY_VERSION = '3.9.5-faaskeeper-0.1.0';

/** One port and the instance that it leads to. */
class Listener {
  readonly instance: Instance;
  readonly server: Server;
  readonly connections = new Set<Connection>();
  readonly latency = new Latency();
  readonly byAddress = new Map<string, number>();
  port: number;
  received = 0;
  sent = 0;

  constructor(instance: Instance, port: number, onSocket: (socket: Socket, listener: Listener) => void) {
    this.instance = instance;
    this.port = port;
    // A four-letter word may come with a half-close; its answer still has to leave.
    this.server = createServer({ allowHalfOpen: true }, (socket) => onSocket(socket, this));
  }
}

export interface GatewayOptions {
  readonly settings: GatewaySettings;
  readonly instances: readonly InstanceSettings[];
  readonly outside: GatewayOutside;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'debug'>;
}

/** Serves ZooKeeper's clients. It holds no state that matters: its sessions go on at another gateway. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #listeners: Listener[] = [];
  readonly #instances = new Map<string, Instance>();
  readonly #since = Date.now();
  #connections = 0;
  #tick = 0;
  #ticker: NodeJS.Timeout | undefined;
  #tickedAt = performance.now();

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  /** Resolves when it listens everywhere; rejects when a port is taken. */
  async start(): Promise<void> {
    const { instances, settings } = this.#options;
    for (const { instance, prefix, port } of instances) {
      const listener = new Listener(this.#instance(instance, prefix), port, (socket, at) => this.#accept(socket, at));
      listener.server.listen(port, settings.host);
      await once(listener.server, 'listening');
      const address = listener.server.address();
      if (typeof address === 'object' && address !== null) listener.port = address.port;
      this.#listeners.push(listener);
      this.#options.logger.info({ instance, port: listener.port }, 'listening');
    }
    this.#ticker = setInterval(() => this.#look(), BOUNDS.tick);
  }

  /** Ports, in the order of the instances that were given. */
  get ports(): number[] {
    return this.#listeners.map(({ port }) => port);
  }

  get connections(): number {
    return this.#listeners.reduce((sum, { connections }) => sum + connections.size, 0);
  }

  /** What there is to tell of each port. */
  facts(): Facts[] {
    return this.#listeners.map((listener) => this.#factsOf(listener));
  }

  /** Closes connections, not sessions: these go on elsewhere. */
  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    const closing = this.#listeners.map(async ({ server, connections }) => {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      for (const connection of [...connections]) connection.close('the gateway is stopping');
      const timer = setTimeout(() => {
        for (const connection of [...connections]) connection.destroy('the gateway is stopping');
      }, BOUNDS.stopTime);
      await closed;
      clearTimeout(timer);
    });
    await Promise.all(closing);
    for (const instance of this.#instances.values()) instance.close();
  }

  #instance(id: string, prefix: string): Instance {
    const known = this.#instances.get(id) ?? new Instance(this.#options.outside, id, prefix);
    this.#instances.set(id, known);
    return known;
  }

  #accept(socket: Socket, listener: Listener): void {
    const { settings, logger } = this.#options;
    const gateway = this;
    const connection = new Connection(socket, ++this.#connections, {
      instance: listener.instance,
      identities: [{ scheme: 'ip', id: addressOf(socket) }],
      multiOperations: LIMITS.multiOperations,
      maxBuffer: settings.maxBuffer,
      enforcedSchemes: settings.enforcedSchemes,
      get tick() {
        return gateway.#tick;
      },
      answerWord: (word) => Promise.resolve(this.#answerWord(word, listener)),
      onLatency: (ms) => listener.latency.add(ms),
      onClosed: (closed, reason) => {
        listener.connections.delete(closed);
        listener.received += closed.received;
        listener.sent += closed.sent;
        this.#count(listener, closed.address, -1);
        logger.debug({ instance: listener.instance.id, address: closed.address, reason }, 'connection closed');
      },
    });
    const { address } = connection;
    listener.connections.add(connection);
    const most = settings.maxClientConnections;
    if (this.#count(listener, address, 1) > most && most > 0) {
      logger.warn({ address, most }, 'too many connections of one address');
      connection.destroy('too many connections of one address');
    }
  }

  #count({ byAddress }: Listener, address: string, by: number): number {
    const count = (byAddress.get(address) ?? 0) + by;
    if (count === 0) byAddress.delete(address);
    else byAddress.set(address, count);
    return count;
  }

  #answerWord(word: string, listener: Listener): string {
    const { fourLetterWords } = this.#options.settings;
    if (!isWord(word)) return '';
    if (fourLetterWords !== '*' && !fourLetterWords.has(word)) return notListed(word);
    return ANSWERS[word](this.#factsOf(listener), {
      resetCounters: () => {
        listener.latency.reset();
        listener.received = 0;
        listener.sent = 0;
      },
      resetConnections: () => {
        for (const connection of listener.connections) connection.resetCounters();
      },
    });
  }

  #factsOf(listener: Listener): Facts {
    const { settings } = this.#options;
    const connections = [...listener.connections];
    const { view, id } = listener.instance;
    const zxids = connections.flatMap(({ engine }) => (engine === undefined ? [] : [engine.zxid]));
    const sum = (of: (connection: Connection) => number) => connections.reduce((all, one) => all + of(one), 0);
    return {
      version: GATEWAY_VERSION,
      instance: id,
      port: listener.port,
      zxid: Math.max(0, view.value, ...zxids),
      connections,
      latency: listener.latency,
      received: listener.received + sum(({ received }) => received),
      sent: listener.sent + sum(({ sent }) => sent),
      outstanding: sum(({ outstanding }) => outstanding),
      cachedNodes: view.cachedNodes,
      cachedBytes: view.cachedBytes,
      settings: {
        clientPort: listener.port,
        maxClientCnxns: settings.maxClientConnections,
        'jute.maxbuffer': settings.maxBuffer,
        serverId: 0,
      },
      uptimeMs: Date.now() - this.#since,
    };
  }

  #look(): void {
    const now = performance.now();
    // A standstill of ours (a suspended machine, a long pause) is no silence of theirs.
    const missed = Math.floor((now - this.#tickedAt) / BOUNDS.tick) - 1;
    this.#tickedAt = now;
    this.#tick += 1 + Math.max(0, missed);
    for (const { connections } of this.#listeners) {
      for (const connection of connections) {
        if (missed > 0) connection.forgive(missed);
        connection.look(this.#tick);
      }
    }
  }
}
