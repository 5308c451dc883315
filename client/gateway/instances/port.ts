import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Identity } from '@faaskeeper/protocol';
import type { Logger } from 'pino';
import { BOUNDS } from '../bounds.ts';
import { addressOf } from '../connection/connection.ts';
import { type Certificates, certificateIdentities, type Refusal, TlsServer } from '../tls/index.ts';
import type { Route } from './route.ts';

export interface PortOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** With them it speaks TLS. */
  readonly certificates: Certificates | undefined;
  readonly logger: Pick<Logger, 'warn' | 'debug'>;
  /** A connection that is through, and who its certificate says that it is. */
  readonly onConnection: (socket: Socket, route: Route, identities: readonly Identity[]) => void;
}

/** One TCP port. Which instance a connection gets is decided by the port alone, or by its TLS server name. */
export class Port {
  readonly #options: PortOptions;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #routes = new Set<Route>();
  /** Of the one instance whose port it is. */
  #owner: Route | undefined;
  #byName: ReadonlyMap<string, Route> = new Map();
  #unlisten: (() => void) | undefined;

  constructor(options: PortOptions) {
    const { certificates } = options;
    this.#options = options;
    // A four-letter word may come with a half-close; its answer still has to leave.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    if (certificates === undefined) return;
    const tls = new TlsServer({
      certificates,
      serves: (serverName) => this.#routeOf(serverName) !== undefined,
      onSecure: (socket, serverName) => this.#secured(socket, serverName),
      onRefused: (refusal) => this.#refused(refusal),
    });
    this.#tls = tls;
    this.#unlisten = certificates.onChange(() => tls.renew());
  }

  get secure(): boolean {
    return this.#tls !== undefined;
  }

  /** That it listens on; what was asked for until it does. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#options.port;
  }

  /** That was asked for. */
  get wanted(): number {
    return this.#options.port;
  }

  get unused(): boolean {
    return this.#routes.size === 0;
  }

  /** @throws when the port is taken. */
  async listen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#options.port, this.#options.host);
    await once(this.#server, 'listening');
    this.#server.on('error', (error) => this.#options.logger.warn({ port: this.port, err: error }, 'port failed'));
  }

  /** Frees the port at once. Connections stay until their owners end them; handshakes do not. */
  close(): void {
    this.#unlisten?.();
    this.#server.close();
    this.#tls?.close();
  }

  /** Adds a route, or gives it other names. Returns why that cannot be. */
  assign(route: Route, names: readonly string[]): string | undefined {
    const others = [...this.#routes].filter((one) => one !== route);
    const rival = others.find(
      ({ settings }) =>
        names.length === 0 || settings.names.length === 0 || names.some((name) => settings.names.includes(name)),
    );
    if (rival !== undefined) {
      const what = names.find((name) => rival.settings.names.includes(name)) ?? 'the port';
      return `${what} is instance ${rival.instance.id}'s`;
    }
    route.settings = { ...route.settings, names };
    this.#routes.add(route);
    this.#renew();
    return undefined;
  }

  remove(route: Route): void {
    this.#routes.delete(route);
    this.#renew();
  }

  #renew(): void {
    const routes = [...this.#routes];
    this.#owner = routes.find(({ settings }) => settings.names.length === 0);
    this.#byName = new Map(routes.flatMap((route) => route.settings.names.map((name) => [name, route] as const)));
    this.#tls?.renew();
  }

  #routeOf(serverName: string | undefined): Route | undefined {
    return this.#owner ?? (serverName === undefined ? undefined : this.#byName.get(serverName));
  }

  #accept(socket: Socket): void {
    const { logger, onConnection } = this.#options;
    const owner = this.#owner;
    // It may go before anyone else listens to it.
    socket.on('error', () => undefined);
    if (this.#tls === undefined) {
      if (owner === undefined) socket.destroy();
      else onConnection(socket, owner, []);
      return;
    }
    if (this.#tls.handshakes >= BOUNDS.handshakes || owner?.instance.refusal(addressOf(socket)) !== undefined) {
      logger.warn({ port: this.port, address: addressOf(socket) }, 'too many connections');
      socket.destroy();
      return;
    }
    this.#tls.take(socket);
  }

  #secured(socket: TLSSocket, serverName: string | undefined): void {
    const { logger, onConnection } = this.#options;
    const route = this.#routeOf(serverName);
    // It may have gone during the handshake.
    if (route === undefined) {
      socket.destroy();
      return;
    }
    let identities: readonly Identity[];
    try {
      identities = certificateIdentities(socket, route.instance.settings.superX509);
    } catch (error) {
      logger.warn({ port: this.port, address: addressOf(socket), err: error }, 'a certificate cannot be read');
      socket.destroy();
      return;
    }
    onConnection(socket, route, identities);
  }

  #refused({ left, ...refusal }: Refusal): void {
    const { logger } = this.#options;
    const what = { port: this.port, ...refusal };
    if (left) logger.debug(what, 'left during the TLS handshake');
    else logger.warn(what, 'refused at the TLS handshake');
  }
}
