import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { type About, answerAbout } from './about.ts';
import { HOST } from './bounds.ts';
import { ProblemError, problemOf } from './problems.ts';

/** Names the Revision that answered an event, so that the trigger can address it while it is warm. */
export const REVISION_HEADER = 'faaskeeper-revision';

export interface ServerRoutes extends About {
  /** Handles POST /; its answer is MessagePack. Absent on programs that take no events. */
  readonly event?: (headers: IncomingMessage['headers'], body: Buffer) => Promise<Uint8Array>;
  /** Checks the header Authorization before the body is read. */
  readonly authorized: (authorization: string | undefined) => boolean;
  /** Of Knative; undefined elsewhere. */
  readonly revision?: string | undefined;
}

/** The HTTP server of a program: events, probes, metrics. */
export class ProgramServer {
  readonly #server: Server;
  readonly #routes: ServerRoutes;
  /** On answers to events, so that they are known to come from here and not from a proxy. */
  readonly #sender: Readonly<Record<string, string>>;
  #inFlight = 0;
  #stopping = false;
  #drained: (() => void) | undefined;

  constructor(routes: ServerRoutes) {
    this.#routes = routes;
    const { revision, event, metrics } = routes;
    this.#sender = revision === undefined ? {} : { [REVISION_HEADER]: revision };
    const about: About = { notReady: () => (this.#stopping ? 'stopping' : routes.notReady()), metrics };
    this.#server = createServer((request, response) => {
      if (event !== undefined && request.method === 'POST' && request.url === '/') {
        void this.#event(request, response, event);
      } else void answerAbout(request.method === 'GET' ? request.url : undefined, response, about);
    });
    this.#server.keepAliveTimeout = HOST.keepAliveTimeoutMs;
    this.#server.requestTimeout = 0;
  }

  /** Resolves with the port. */
  async listen(host: string, port: number): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Takes no new events and resolves when those in flight are answered, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<boolean> {
    this.#stopping = true;
    this.#server.close();
    this.#server.closeIdleConnections();
    const drained = new Promise<true>((resolve) => {
      this.#drained = () => resolve(true);
      if (this.#inFlight === 0) resolve(true);
    });
    const timer = Promise.withResolvers<false>();
    const timeout = setTimeout(() => timer.resolve(false), timeoutMs);
    const done = await Promise.race([drained, timer.promise]);
    clearTimeout(timeout);
    // The last answer may still be on its way out of the socket.
    await new Promise(setImmediate);
    this.#server.closeIdleConnections();
    return done;
  }

  async #event(
    request: IncomingMessage,
    response: ServerResponse,
    handle: NonNullable<ServerRoutes['event']>,
  ): Promise<void> {
    this.#inFlight++;
    try {
      if (!this.#routes.authorized(request.headers.authorization)) {
        throw new ProblemError('unauthorized', 'The bearer token is missing or wrong');
      }
      if (this.#stopping) throw new ProblemError('stopping', 'This process is stopping');
      const answer = await handle(request.headers, await readBody(request));
      const headers = { 'content-type': 'application/msgpack', 'content-length': answer.length };
      response.writeHead(200, { ...this.#sender, ...headers });
      response.end(answer);
    } catch (error) {
      const problem = problemOf(error);
      // A body that was not read would be taken for the next request.
      const connection = request.complete ? {} : { connection: 'close' };
      const headers = { 'content-type': 'application/problem+json', ...connection };
      // Not while it stops: what comes next is better off elsewhere.
      response.writeHead(problem.status, { ...(this.#stopping ? {} : this.#sender), ...headers });
      response.end(JSON.stringify(problem));
    } finally {
      this.#inFlight--;
      if (this.#stopping && this.#inFlight === 0) this.#drained?.();
    }
  }
}

/** @throws ProblemError too-large. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () => new ProblemError('too-large', `The body of an event is at most ${HOST.bodyBytes} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > HOST.bodyBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= HOST.bodyBytes) {
        chunks.push(chunk);
        return;
      }
      request.pause();
      reject(tooLarge());
    });
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes)));
    request.on('error', (cause) => reject(new ProblemError('bad-event', 'The body could not be read', { cause })));
  });
}
