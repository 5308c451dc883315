import type { Socket } from 'node:net';
import type { Identity } from '@faaskeeper/protocol';
import type { Logger } from 'pino';
import { BOUNDS } from '../bounds.ts';
import type { Connection } from '../connection/connection.ts';
import type { InstanceSettings } from '../settings.ts';
import type { Certificates } from '../tls/index.ts';
import { Port } from './port.ts';
import { leadsBy, Route, type RouteSettings, routesOf, sameNames } from './route.ts';
import { ServedInstance, type Surroundings } from './served-instance.ts';

export interface ServingOptions {
  readonly surroundings: Surroundings;
  readonly certificates: Certificates | undefined;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'debug'>;
  readonly onConnection: (socket: Socket, route: Route, identities: readonly Identity[]) => void;
}

/** A way to an instance that cannot be opened; the message says why. */
export class NotServedError extends Error {
  override readonly name = 'NotServedError';
  readonly code = 'NOT_SERVED';
}

/** The instances that are served, and their ports. It is told what is wanted, and makes what there is agree with that. */
export class Serving {
  readonly #options: ServingOptions;
  readonly #wanted = new Map<string, InstanceSettings>();
  readonly #served = new Map<string, ServedInstance>();
  readonly #ports = new Set<Port>();
  /** What keeps an instance from being served, by instance and port. */
  #problems: ReadonlyMap<string, NotServedError> = new Map();
  #work: Promise<void> = Promise.resolve();
  #due = false;
  #stopped = false;

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  get instances(): Iterable<ServedInstance> {
    return this.#served.values();
  }

  /** Ids of those that are to be served. */
  get wanted(): readonly string[] {
    return [...this.#wanted.keys()];
  }

  get problems(): readonly NotServedError[] {
    return [...this.#problems.values()];
  }

  /** That it listens on. */
  get ports(): readonly number[] {
    return [...this.#ports].map(({ port }) => port);
  }

  declare(settings: InstanceSettings): void {
    const known = this.#wanted.get(settings.instance);
    if (known !== undefined && JSON.stringify(known) === JSON.stringify(settings)) return;
    this.#wanted.set(settings.instance, settings);
    this.retry();
  }

  remove(id: string): void {
    if (this.#wanted.delete(id)) this.retry();
  }

  /** What could not be done is tried again. */
  retry(): void {
    if (this.#due) return;
    this.#due = true;
    this.#work = this.#work.then(() => this.#reconcile());
  }

  /** Resolves when what it was told is done, or cannot be done now. */
  settled(): Promise<void> {
    return this.#work;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
    await Promise.all([...this.#served.values()].map((served) => this.#end(served, 'the gateway is stopping')));
  }

  /** Makes what is served what is wanted, whatever it was. Ports are freed before others are opened. */
  async #reconcile(): Promise<void> {
    this.#due = false;
    if (this.#stopped) return;
    for (const served of this.#served.values()) this.#reduce(served, this.#wanted.get(served.id));
    const problems = new Map<string, NotServedError>();
    for (const settings of this.#wanted.values()) {
      const served = this.#served.get(settings.instance) ?? new ServedInstance(this.#options.surroundings, settings);
      this.#served.set(served.id, served);
      for (const route of this.#routes(settings)) {
        const problem = await this.#open(served, route);
        if (problem !== undefined) problems.set(`${served.id} ${route.port}`, new NotServedError(problem));
      }
    }
    this.#tell(problems);
  }

  #routes(settings: InstanceSettings): RouteSettings[] {
    return routesOf(settings, this.#options.surroundings.settings.securePort);
  }

  /** Ends what is not wanted any more. */
  #reduce(served: ServedInstance, wanted: InstanceSettings | undefined): void {
    if (wanted === undefined || wanted.prefix !== served.settings.prefix) {
      this.#options.logger.info({ instance: served.id }, 'not served any more');
      void this.#end(served, 'the instance is not served here any more');
      return;
    }
    served.settings = wanted;
    const routes = this.#routes(wanted);
    for (const route of served.routes) {
      if (route.open && !routes.some((one) => leadsBy(route.settings, one)))
        void this.#close(route, 'the port is closed');
    }
  }

  /** Returns what is in the way. */
  async #open(served: ServedInstance, settings: RouteSettings): Promise<string | undefined> {
    const { port: number, secure, names } = settings;
    const known = [...served.routes].find((one) => one.open && leadsBy(one.settings, settings));
    if (known !== undefined && sameNames(known.settings, settings)) return undefined;
    if (secure && this.#options.certificates === undefined)
      return 'it wants TLS, and there is no certificate (--tls-cert)';
    const shared = number === 0 ? undefined : [...this.#ports].find((one) => one.wanted === number);
    if (shared !== undefined && shared.secure !== secure) return `port ${number} is ${secure ? 'no' : 'a'} TLS port`;
    const port = known?.port ?? shared ?? this.#newPort(settings);
    const route = known ?? new Route(served, port, settings);
    const refused = port.assign(route, names);
    if (refused !== undefined) return `port ${number}: ${refused}`;
    try {
      await port.listen();
    } catch (error) {
      port.close();
      return (error as Error).message;
    }
    this.#ports.add(port);
    served.routes.add(route);
    this.#options.logger.info(
      { instance: served.id, port: port.port, ...(secure ? { tls: true, names } : {}) },
      'listening',
    );
    return undefined;
  }

  #newPort({ port, secure }: RouteSettings): Port {
    const { certificates, logger, onConnection, surroundings } = this.#options;
    const { host } = surroundings.settings;
    return new Port({ host, port, certificates: secure ? certificates : undefined, logger, onConnection });
  }

  /** The port is free at once if nobody else has it; resolves when the connections have gone. */
  async #close(route: Route, reason: string): Promise<void> {
    const { connections, instance, port } = route;
    route.open = false;
    port.remove(route);
    if (port.unused) {
      port.close();
      this.#ports.delete(port);
    }
    for (const connection of [...connections]) connection.close(reason);
    await gone(connections, reason);
    instance.routes.delete(route);
  }

  async #end(served: ServedInstance, reason: string): Promise<void> {
    this.#served.delete(served.id);
    await Promise.all([...served.routes].filter(({ open }) => open).map((route) => this.#close(route, reason)));
    served.instance.close();
  }

  #tell(problems: ReadonlyMap<string, NotServedError>): void {
    for (const [key, { message }] of problems) {
      if (this.#problems.get(key)?.message === message) continue;
      const [instance] = key.split(' ', 1);
      this.#options.logger.warn({ instance, reason: message }, 'an instance cannot be served; it is tried again');
    }
    this.#problems = problems;
  }
}

/** What is written has some time to leave. */
async function gone(connections: ReadonlySet<Connection>, reason: string): Promise<void> {
  const until = performance.now() + BOUNDS.stopTime;
  while (connections.size > 0) {
    if (performance.now() > until) for (const connection of [...connections]) connection.destroy(reason);
    await new Promise((resolve) => setTimeout(resolve, BOUNDS.stopCheck));
  }
}
