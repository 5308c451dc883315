import type { IncomingHttpHeaders } from 'node:http';
import { Agent } from 'undici';
import { type Answer, exchange } from './exchange.ts';
import { type ObjectKeys, requestSigner } from './signer.ts';

export interface ObjectRequestsOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Asked for with every request. */
  readonly keys: () => ObjectKeys;
  /** Certificates (PEM) that an https endpoint may be signed by, instead of the usual ones. */
  readonly ca?: string | undefined;
  /** Connections at a time. */
  readonly sockets: number;
  /** Longest waits, ms. */
  readonly connectMs: number;
  readonly requestMs: number;
  /** ms; default Date.now. */
  readonly now?: () => number;
}

/** A clock that is further off than this is refused by stores; they allow 15 min. */
const SKEW_MS = 5 * 60_000;

interface ObjectRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** The store's answer was no success. `name` is its code for that (NoSuchKey, AccessDenied, ...). */
export class ObjectStoreError extends Error {
  override readonly name: string;
  /** HTTP status. */
  readonly status: number;

  constructor(name: string, message: string, status: number) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

/**
 * GET, PUT and DELETE of single objects, path-style, signed by the SDK's signer but without the SDK around it: a PUT
 * costs a sixth of the CPU. Nothing is repeated, but what was refused because our clock is wrong.
 */
export class ObjectRequests {
  readonly #agent: Agent;
  readonly #origin: string;
  readonly #base: string;
  readonly #host: { readonly protocol: string; readonly hostname: string; readonly port?: number };
  readonly #hostHeader: string;
  readonly #signer: ReturnType<typeof requestSigner>;
  readonly #now: () => number;
  /** Added to our clock, ms. */
  #offset = 0;

  constructor(options: ObjectRequestsOptions) {
    const { endpoint, bucket, sockets } = options;
    const url = new URL(endpoint);
    this.#origin = url.origin;
    this.#base = `${url.pathname.replace(/\/$/, '')}/${escaped(bucket)}/`;
    const { protocol, hostname, port } = url;
    this.#host = { protocol, hostname, ...(port === '' ? {} : { port: Number(port) }) };
    this.#hostHeader = url.host;
    this.#now = options.now ?? Date.now;
    this.#signer = requestSigner(options);
    this.#agent = new Agent({
      connections: sockets,
      pipelining: 1,
      connect: { timeout: options.connectMs, ...(options.ca === undefined ? {} : { ca: options.ca }) },
      headersTimeout: options.requestMs,
      bodyTimeout: options.requestMs,
    });
  }

  /** @throws ObjectStoreError for an answer that is no success; other errors for no answer. */
  async get(key: string, signal?: AbortSignal): Promise<{ body: Uint8Array; etag: string | undefined }> {
    const { headers, body } = await this.#request({ method: 'GET', key, headers: {} }, signal);
    return { body, etag: headerOf(headers, 'etag') };
  }

  /** @throws as get. */
  async put(
    key: string,
    body: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<{ etag: string | undefined }> {
    const own = { ...headers, 'content-length': String(body.length), 'content-type': 'application/octet-stream' };
    const answer = await this.#request({ method: 'PUT', key, headers: own, body }, signal);
    return { etag: headerOf(answer.headers, 'etag') };
  }

  /** Of an object that is not there, too. @throws as get. */
  async delete(key: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#request({ method: 'DELETE', key, headers }, undefined);
  }

  destroy(): void {
    void this.#agent.destroy();
  }

  async #request(request: ObjectRequest, signal: AbortSignal | undefined): Promise<Answer> {
    for (let corrected = false; ; corrected = true) {
      signal?.throwIfAborted();
      const answer = await this.#send(request, signal);
      if (answer.status >= 200 && answer.status < 300) return answer;
      if (answer.status !== 403 || corrected || !this.#correctClock(answer)) throw errorOf(answer);
    }
  }

  async #send(request: ObjectRequest, signal: AbortSignal | undefined): Promise<Answer> {
    const { method, key, headers, body } = request;
    const path = this.#base + key.split('/').map(escaped).join('/');
    const signed = await this.#signer.sign(
      { method, ...this.#host, path, query: {}, headers: { ...headers, host: this.#hostHeader }, body },
      { signingDate: new Date(this.#now() + this.#offset) },
    );
    const { headers: all } = signed;
    return await exchange(
      this.#agent,
      { origin: this.#origin, path, method, headers: all, body: body ?? null },
      signal,
    );
  }

  /** True if the store's clock is not ours: what it refused may be asked for again. */
  #correctClock({ headers }: Answer): boolean {
    const theirs = Date.parse(headerOf(headers, 'date') ?? '');
    if (Number.isNaN(theirs) || Math.abs(theirs - this.#now() - this.#offset) < SKEW_MS) return false;
    this.#offset = theirs - this.#now();
    return true;
  }
}

/** As Amazon's signature wants a path: all but A-Z, a-z, 0-9, - _ . ~ */
function escaped(segment: string): string {
  return encodeURIComponent(segment).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function errorOf({ status, body }: Answer): ObjectStoreError {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const name = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? (status === 404 ? 'NotFound' : 'UnknownError');
  const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? `The store answered with ${status}`;
  return new ObjectStoreError(name, message, status);
}
