import { S3ServiceException } from '@aws-sdk/client-s3';
import { Agent, type Dispatcher } from 'undici';
import { requestSigner } from './signer.ts';

export interface ObjectRequestsOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
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

interface Answer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Uint8Array;
}

/**
 * GET and PUT of single objects, path-style, signed by the SDK's signer but without the SDK around it: a PUT costs a
 * sixth of the CPU. Errors are the SDK's. Nothing is repeated, but what was refused because our clock is wrong.
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
      connect: { timeout: options.connectMs },
      headersTimeout: options.requestMs,
      bodyTimeout: options.requestMs,
    });
  }

  /** @throws S3ServiceException for an answer that is no success; other errors for no answer. */
  async get(key: string, signal?: AbortSignal): Promise<{ body: Uint8Array; etag: string | undefined }> {
    const { headers, body } = await this.#request('GET', key, {}, undefined, signal);
    return { body, etag: headerOf(headers, 'etag') };
  }

  /** @throws as get. */
  async put(
    key: string,
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<{ etag: string | undefined }> {
    const own = { ...headers, 'content-length': String(body.length), 'content-type': 'application/octet-stream' };
    return { etag: headerOf((await this.#request('PUT', key, own, body, signal)).headers, 'etag') };
  }

  destroy(): void {
    void this.#agent.destroy();
  }

  async #request(
    method: 'GET' | 'PUT',
    key: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    for (let corrected = false; ; corrected = true) {
      signal?.throwIfAborted();
      const answer = await this.#send(method, key, headers, body, signal);
      if (answer.status >= 200 && answer.status < 300) return answer;
      if (answer.status !== 403 || corrected || !this.#correctClock(answer)) throw exceptionOf(answer);
    }
  }

  async #send(
    method: 'GET' | 'PUT',
    key: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Answer> {
    const path = this.#base + key.split('/').map(escaped).join('/');
    const signed = await this.#signer.sign(
      { method, ...this.#host, path, query: {}, headers: { ...headers, host: this.#hostHeader }, body },
      { signingDate: new Date(this.#now() + this.#offset) },
    );
    const answer = await this.#agent.request({
      origin: this.#origin,
      path,
      method,
      headers: signed.headers,
      body: body ?? null,
      ...(signal === undefined ? {} : { signal }),
    });
    const { statusCode: status, headers: answered } = answer;
    return { status, headers: answered, body: await answer.body.bytes() };
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

function headerOf(headers: Answer['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function exceptionOf({ status, headers, body }: Answer): S3ServiceException {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const name = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? (status === 404 ? 'NotFound' : 'UnknownError');
  const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? `The store answered with ${status}`;
  const requestId = headerOf(headers, 'x-amz-request-id');
  return new S3ServiceException({
    name,
    message,
    $fault: status >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode: status, ...(requestId === undefined ? {} : { requestId }) },
  });
}
