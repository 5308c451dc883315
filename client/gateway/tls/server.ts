import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type Server, TLSSocket } from 'node:tls';
import { BOUNDS } from '../bounds.ts';
import { addressOf } from '../connection/connection.ts';
import type { Certificates } from './certificates.ts';

export interface TlsServerOptions {
  readonly certificates: Certificates;
  /** Whether a client may name this server; `undefined`: it named none. */
  readonly serves: (serverName: string | undefined) => boolean;
  readonly onSecure: (socket: TLSSocket, serverName: string | undefined) => void;
  readonly onRefused: (refusal: Refusal) => void;
}

/** A handshake that did not succeed. */
export interface Refusal {
  readonly address: string;
  readonly serverName: string | undefined;
  readonly reason: string;
  /** The client went away or never came to the point: no news. */
  readonly left: boolean;
}

/** Has no certificate: a handshake with it fails, with an alert that tells the client so. */
const NOBODY: SecureContext = createSecureContext({ minVersion: BOUNDS.tlsVersion });

/** Makes TLS connections of plain ones. It listens nowhere; `take` gives it what was accepted. */
export class TlsServer {
  readonly #server: Server;
  readonly #options: TlsServerOptions;
  readonly #names = new WeakMap<TLSSocket, string>();
  /** By the peer's address and port, which both the plain and the TLS side of a connection know. */
  readonly #handshakes = new Map<string, Socket>();

  constructor(options: TlsServerOptions) {
    const { clientAuth } = options.certificates;
    const self = this;
    this.#options = options;
    this.#server = createServer({
      minVersion: BOUNDS.tlsVersion,
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: BOUNDS.greetingTime,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'need',
      SNICallback(this: unknown, serverName: string, done: (error: null, context: SecureContext) => void) {
        if (this instanceof TLSSocket) self.#names.set(this, serverName);
        done(null, self.#contextFor(serverName.toLowerCase()));
      },
    });
    this.#server.on('secureConnection', (socket) => this.#secured(socket));
    this.#server.on('tlsClientError', (error, socket) => this.#failed(error, socket));
    this.renew();
  }

  /** Connections whose handshake is not over. */
  get handshakes(): number {
    return this.#handshakes.size;
  }

  take(socket: Socket): void {
    const peer = peerOf(socket);
    this.#handshakes.set(peer, socket);
    socket.once('close', () => {
      if (this.#handshakes.get(peer) === socket) this.#handshakes.delete(peer);
    });
    this.#server.emit('connection', socket);
  }

  /** Other certificates are in use, or other names are served: for handshakes from now on. */
  renew(): void {
    const { certificates, serves } = this.#options;
    // Who names no server gets this context.
    this.#server.setSecureContext(serves(undefined) ? certificates.options : { minVersion: BOUNDS.tlsVersion });
  }

  /** Ends the handshakes that are going on. */
  close(): void {
    for (const socket of this.#handshakes.values()) socket.destroy();
  }

  #contextFor(serverName: string): SecureContext {
    return this.#options.serves(serverName) ? this.#options.certificates.context : NOBODY;
  }

  #secured(socket: TLSSocket): void {
    this.#handshakes.delete(peerOf(socket));
    const { certificates, onSecure } = this.#options;
    const serverName = this.#names.get(socket);
    // A client need not have a certificate; a wrong one is refused.
    const shown = certificates.clientAuth === 'want' && socket.getPeerX509Certificate() !== undefined;
    if (shown && !socket.authorized) {
      const reason = String(socket.authorizationError ?? 'the client certificate is not trusted');
      this.#refused(socket, reason, false);
      socket.destroy();
      return;
    }
    onSecure(socket, serverName?.toLowerCase());
  }

  #failed(error: Error & { code?: string }, socket: TLSSocket): void {
    const serverName = this.#names.get(socket);
    const left = error.code === 'ECONNRESET' || error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT';
    if (socket.authorizationError) this.#refused(socket, String(socket.authorizationError), false);
    else if (this.#options.serves(serverName?.toLowerCase())) this.#refused(socket, error.message, left);
    else if (serverName !== undefined) this.#refused(socket, 'no instance here has this server name', false);
    else this.#refused(socket, `no server name, and the port is of no single instance (${error.code})`, left);
    socket.destroy();
  }

  #refused(socket: TLSSocket, reason: string, left: boolean): void {
    this.#options.onRefused({ address: addressOf(socket), serverName: this.#names.get(socket), reason, left });
  }
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
