import type { Socket } from 'node:net';
import { type Identity, LIMITS } from '@faaskeeper/protocol';
import type { Logger } from 'pino';
import { addressOf, Connection, type ConnectionHost } from '../connection/connection.ts';
import { type GatewayOutside, Instance } from '../instance.ts';
import { Latency } from '../latency.ts';
import { ReadFailures } from '../read-failures.ts';
import type { GatewaySettings, InstanceSettings } from '../settings.ts';
import type { Effects } from '../words/index.ts';
import type { Route } from './route.ts';

/** What a gateway gives the instances that it serves. */
export interface Surroundings {
  readonly outside: GatewayOutside;
  readonly settings: GatewaySettings;
  readonly logger: Pick<Logger, 'warn'>;
  /** Counts up by one each BOUNDS.tick. */
  readonly tick: number;
  answerWord(word: string, instance: ServedInstance): string;
  onClosed(connection: Connection, instance: ServedInstance, reason: string): void;
}

/** Where an instance stands: 0 is no limit. */
export interface InstanceLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  readonly outstandingRequests: number;
}

/** An instance behind its ports: who is connected to it, and how much that may be. */
export class ServedInstance implements Effects {
  readonly id: string;
  readonly instance: Instance;
  readonly routes = new Set<Route>();
  readonly latency = new Latency();
  readonly readFailures: ReadFailures;
  /** Requests and replies of connections that are gone. */
  received = 0;
  sent = 0;
  /** Requests of all connections without an answer. */
  outstanding = 0;
  readonly surroundings: Surroundings;
  readonly #byAddress = new Map<string, number>();
  #settings: InstanceSettings;
  #limits: InstanceLimits;

  constructor(surroundings: Surroundings, settings: InstanceSettings) {
    this.id = settings.instance;
    this.surroundings = surroundings;
    this.#settings = settings;
    this.#limits = limitsOf(settings, surroundings.settings);
    const { outside, logger } = surroundings;
    this.readFailures = new ReadFailures(this.id, outside.clock, logger);
    this.instance = new Instance(outside, settings, this.readFailures.note);
  }

  get settings(): InstanceSettings {
    return this.#settings;
  }

  set settings(settings: InstanceSettings) {
    this.#settings = settings;
    this.#limits = limitsOf(settings, this.surroundings.settings);
  }

  get limits(): InstanceLimits {
    return this.#limits;
  }

  get connections(): Connection[] {
    return [...this.routes].flatMap(({ connections }) => [...connections]);
  }

  get connected(): number {
    let count = 0;
    for (const { connections } of this.routes) count += connections.size;
    return count;
  }

  /** At globalOutstandingLimit: who waits for an answer has to go on waiting before more of it is read. */
  get crowded(): boolean {
    const { outstandingRequests } = this.#limits;
    return outstandingRequests > 0 && this.outstanding >= outstandingRequests;
  }

  /** Why a further connection of this address is not wanted. */
  refusal(address: string): string | undefined {
    const { connections, connectionsPerAddress } = this.#limits;
    if (connections > 0 && this.connected >= connections) return 'too many connections';
    const ofAddress = this.#byAddress.get(address) ?? 0;
    return connectionsPerAddress > 0 && ofAddress >= connectionsPerAddress
      ? 'too many connections of one address'
      : undefined;
  }

  /** Serves a client that there is room for. */
  connect(socket: Socket, id: number, route: Route, certified: readonly Identity[]): void {
    const identities = [{ scheme: 'ip', id: addressOf(socket) }, ...certified];
    const connection = new Connection(socket, id, new Host(this, route, identities));
    route.connections.add(connection);
    this.#count(connection.address, 1);
  }

  disconnected(connection: Connection, route: Route, reason: string): void {
    route.connections.delete(connection);
    this.received += connection.received;
    this.sent += connection.sent;
    this.#count(connection.address, -1);
    this.surroundings.onClosed(connection, this, reason);
  }

  resetCounters(): void {
    this.latency.reset();
    this.received = 0;
    this.sent = 0;
  }

  resetConnections(): void {
    for (const connection of this.connections) connection.resetCounters();
  }

  #count(address: string, by: number): void {
    const count = (this.#byAddress.get(address) ?? 0) + by;
    if (count === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, count);
  }
}

function limitsOf({ limits = {} }: InstanceSettings, settings: GatewaySettings): InstanceLimits {
  return {
    connections: limits.connections ?? settings.maxConnections,
    connectionsPerAddress: limits.connectionsPerAddress ?? settings.maxClientConnections,
    outstandingRequests: limits.outstandingRequests ?? settings.maxOutstandingRequests,
  };
}

/** What one connection sees of all this. There are many of them: nothing is kept that the instance knows. */
class Host implements ConnectionHost {
  readonly identities: readonly Identity[];
  readonly #served: ServedInstance;
  readonly #route: Route;

  constructor(served: ServedInstance, route: Route, identities: readonly Identity[]) {
    this.#served = served;
    this.#route = route;
    this.identities = identities;
  }

  get instance(): Instance {
    return this.#served.instance;
  }

  get maxBuffer(): number {
    return this.#served.surroundings.settings.maxBuffer;
  }

  get multiOperations(): number {
    return LIMITS.multiOperations;
  }

  get enforcedSchemes(): ReadonlySet<string> | undefined {
    return this.#served.surroundings.settings.enforcedSchemes;
  }

  get tick(): number {
    return this.#served.surroundings.tick;
  }

  get crowded(): boolean {
    return this.#served.crowded;
  }

  async answerWord(word: string): Promise<string> {
    return this.#served.surroundings.answerWord(word, this.#served);
  }

  onLatency(ms: number): void {
    this.#served.latency.add(ms);
  }

  onOutstanding(change: number): void {
    this.#served.outstanding += change;
  }

  onClosed(connection: Connection, reason: string): void {
    this.#served.disconnected(connection, this.#route, reason);
  }
}
