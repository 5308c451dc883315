import type { Socket } from 'node:net';
import type { Identity } from '@faaskeeper/protocol';
import type { Logger } from 'pino';
import { BOUNDS } from './bounds.ts';
import { addressOf, type Connection } from './connection/connection.ts';
import type { GatewayOutside } from './instance.ts';
import { type Route, type ServedInstance, Serving } from './instances/index.ts';
import type { GatewaySettings, InstanceSettings } from './settings.ts';
import type { Certificates } from './tls/index.ts';
import { ANSWERS, type Facts, isWord, notListed } from './words/index.ts';

/** As ZooKeeper says it; the date in the form of its releases up to 3.6, which go-zookeeper reads. */
export const GATEWAY_VERSION = '3.9.5-faaskeeper-0.1.0, built on 01/01/2026 00:00 UTC';

export interface GatewayOptions {
  readonly settings: GatewaySettings;
  readonly outside: GatewayOutside;
  /** Of the TLS ports; there are none without. */
  readonly certificates?: Certificates | undefined;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'debug'>;
}

/** Serves ZooKeeper's clients. It holds no state that matters: its sessions go on at another gateway. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #serving: Serving;
  readonly #since = Date.now();
  #connections = 0;
  #tick = 0;
  #ticker: NodeJS.Timeout | undefined;
  #tickedAt = performance.now();

  constructor(options: GatewayOptions) {
    const { certificates, logger, outside, settings } = options;
    const gateway = this;
    this.#options = options;
    this.#serving = new Serving({
      surroundings: {
        outside,
        settings,
        logger,
        get tick() {
          return gateway.#tick;
        },
        answerWord: (word, instance) => this.#answerWord(word, instance),
        onClosed: ({ address }, { id }, reason) => logger.debug({ instance: id, address, reason }, 'connection closed'),
      },
      certificates,
      logger,
      onConnection: (socket, route, identities) => this.#accept(socket, route, identities),
    });
  }

  /** Serves these; resolves when it listens everywhere. @throws NotServedError when a port is taken. */
  async start(instances: readonly InstanceSettings[] = []): Promise<void> {
    this.#ticker = setInterval(() => this.#look(), BOUNDS.tick);
    for (const settings of instances) this.#serving.declare(settings);
    await this.#serving.settled();
    for (const problem of this.#serving.problems) throw problem;
  }

  /** Serves an instance, or serves it otherwise than before. What cannot be done now is tried again. */
  declare(settings: InstanceSettings): void {
    this.#serving.declare(settings);
  }

  /** Its connections are closed and its ports are free. */
  remove(id: string): void {
    this.#serving.remove(id);
  }

  /** Those that it was told of are all that there are. */
  retain(ids: ReadonlySet<string>): void {
    for (const id of this.#serving.wanted) if (!ids.has(id)) this.#serving.remove(id);
  }

  /** Resolves when what it was told is done, or cannot be done now. */
  settled(): Promise<void> {
    return this.#serving.settled();
  }

  /** Ports that it listens on. */
  get ports(): readonly number[] {
    return this.#serving.ports;
  }

  get connections(): number {
    return this.#instances.reduce((sum, { connected }) => sum + connected, 0);
  }

  /** What there is to tell of each instance. */
  facts(): Facts[] {
    return this.#instances.map((instance) => this.#factsOf(instance));
  }

  /** Closes connections, not sessions: these go on elsewhere. */
  async stop(): Promise<void> {
    clearInterval(this.#ticker);
    await this.#serving.stop();
  }

  get #instances(): ServedInstance[] {
    return [...this.#serving.instances];
  }

  #accept(socket: Socket, route: Route, identities: readonly Identity[]): void {
    const { instance } = route;
    const address = addressOf(socket);
    const refusal = instance.refusal(address);
    if (refusal === undefined) instance.connect(socket, ++this.#connections, route, identities);
    else {
      this.#options.logger.warn({ instance: instance.id, address, ...instance.limits }, refusal);
      socket.destroy();
    }
  }

  #answerWord(word: string, instance: ServedInstance): string {
    const { fourLetterWords } = this.#options.settings;
    if (!isWord(word)) return '';
    if (fourLetterWords !== '*' && !fourLetterWords.has(word)) return notListed(word);
    return ANSWERS[word](this.#factsOf(instance));
  }

  #factsOf(served: ServedInstance): Facts {
    const { settings } = this.#options;
    const { connections, id, latency, limits, outstanding, routes } = served;
    const { view } = served.instance;
    const zxids = connections.flatMap(({ engine }) => (engine === undefined ? [] : [engine.zxid]));
    const sum = (of: (connection: Connection) => number) => connections.reduce((all, one) => all + of(one), 0);
    const portOf = (secure: boolean) =>
      [...routes].find((one) => one.open && one.settings.secure === secure)?.port.port;
    return {
      version: GATEWAY_VERSION,
      instance: id,
      port: portOf(false) ?? portOf(true) ?? 0,
      zxid: Math.max(0, view.value, ...zxids),
      connections,
      latency,
      received: served.received + sum(({ received }) => received),
      sent: served.sent + sum(({ sent }) => sent),
      outstanding,
      failedReads: served.readFailures.count,
      cachedNodes: view.cachedNodes,
      cachedBytes: view.cachedBytes,
      settings: {
        clientPort: portOf(false) ?? -1,
        secureClientPort: portOf(true) ?? -1,
        maxClientCnxns: limits.connectionsPerAddress,
        maxCnxns: limits.connections,
        globalOutstandingLimit: limits.outstandingRequests,
        'jute.maxbuffer': settings.maxBuffer,
        serverId: 0,
      },
      uptimeMs: Date.now() - this.#since,
      effects: served,
    };
  }

  #look(): void {
    const now = performance.now();
    // A standstill of ours (a suspended machine, a long pause) is no silence of theirs.
    const missed = Math.floor((now - this.#tickedAt) / BOUNDS.tick) - 1;
    this.#tickedAt = now;
    this.#tick += 1 + Math.max(0, missed);
    for (const instance of this.#serving.instances) {
      for (const { connections } of instance.routes) {
        for (const connection of connections) {
          if (missed > 0) connection.forgive(missed);
          connection.look(this.#tick);
        }
      }
    }
    const retryDue = this.#tick % (BOUNDS.portRetry / BOUNDS.tick) === 0;
    if (retryDue && this.#serving.problems.length > 0) this.#serving.retry();
  }
}
