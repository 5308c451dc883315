import { createHash } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { requestSigner } from '@faaskeeper/objects';
import { CredentialsError } from './make.ts';
import type { ParentKeys } from './session-keys.ts';

export interface VersitySettings extends ParentKeys {
  /** Where administrators' requests are answered (--admin-port). Default: the store itself. */
  readonly adminEndpoint?: string | undefined;
}

/** A statement of a bucket's policy; those of others may have more. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect?: string;
  readonly Principal?: unknown;
  readonly Action?: unknown;
  readonly Resource?: unknown;
}

export interface BucketPolicy {
  readonly Version?: string;
  readonly Statement: readonly Statement[];
}

/** The store does not do it, and will not the next time. `code` is S3's, such as AccessDenied. */
export class VersityRefusal extends Error {
  override name = 'VersityRefusal';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const TIMEOUT_MS = 10_000;

/**
 * What administrators may do at a versitygw: its users (they are not IAM's of Amazon), and the policy of the bucket.
 * Everything throws VersityRefusal, or CredentialsError on an outage.
 */
export class VersityAdmin {
  readonly #signer: ReturnType<typeof requestSigner>;
  readonly #admin: URL;
  /** Of the bucket. */
  readonly #policy: URL;
  /** Of its own: those of the process may lead through a proxy. */
  readonly #agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };

  constructor(settings: VersitySettings) {
    const { endpoint, adminEndpoint = endpoint, bucket } = settings;
    this.#signer = requestSigner({ region: settings.region, keys: () => settings });
    this.#admin = new URL(adminEndpoint);
    this.#policy = new URL(`/${bucket}?policy=`, endpoint);
  }

  async createUser(access: string, secret: string): Promise<void> {
    const body = `<Account><Access>${access}</Access><Secret>${secret}</Secret><Role>user</Role></Account>`;
    await this.#request('PATCH', new URL('/create-user', this.#admin), body);
  }

  /** Nothing happens where there is none. */
  async deleteUser(access: string): Promise<void> {
    await this.#request('PATCH', new URL(`/delete-user?access=${encodeURIComponent(access)}`, this.#admin));
  }

  /** Access keys of all users. */
  async users(): Promise<string[]> {
    const text = await this.#request('PATCH', new URL('/list-users', this.#admin));
    return [...text.matchAll(/<Access>([^<]*)<\/Access>/g)].map(([, access]) => access as string);
  }

  async policy(): Promise<BucketPolicy> {
    try {
      return JSON.parse(await this.#request('GET', this.#policy));
    } catch (error) {
      if (error instanceof VersityRefusal && error.code === 'NoSuchBucketPolicy') return { Statement: [] };
      throw error;
    }
  }

  async setPolicy(policy: BucketPolicy): Promise<void> {
    if (policy.Statement.length === 0) await this.#request('DELETE', this.#policy);
    else await this.#request('PUT', this.#policy, JSON.stringify({ Version: '2012-10-17', ...policy }));
  }

  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #request(method: string, url: URL, body = ''): Promise<string> {
    const { protocol, hostname, port, host, pathname: path, searchParams } = url;
    const { headers } = await this.#signer.sign({
      ...{ method, protocol, hostname, path, query: Object.fromEntries(searchParams), body },
      ...(port === '' ? {} : { port: Number(port) }),
      headers: {
        host,
        'content-length': String(Buffer.byteLength(body)),
        'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
      },
    });
    let answer: Answer;
    try {
      answer = await this.#send(url, { method, headers }, body);
    } catch (error) {
      throw outage(url, (error as Error).message, error);
    }
    const { status, text } = answer;
    if (status < 300) return text;
    const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? `status ${status}`;
    const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? `answered with ${status}`;
    // The bucket is about to be made: see ensureBucket.
    const isRefusal = (status < 500 || status === 501) && code !== 'NoSuchBucket';
    if (isRefusal) throw new VersityRefusal(code, message);
    throw outage(url, `${code}: ${message}`);
  }

  #send(url: URL, options: { method: string; headers: OutgoingHttpHeaders }, body: string): Promise<Answer> {
    const isHttps = url.protocol === 'https:';
    const agent = isHttps ? this.#agents.https : this.#agents.http;
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return new Promise((resolve, reject) => {
      const sent = (isHttps ? httpsRequest : httpRequest)(url, { ...options, agent, signal }, async (response) => {
        try {
          let text = '';
          for await (const chunk of response.setEncoding('utf8')) text += chunk;
          resolve({ status: response.statusCode ?? 0, text });
        } catch (error) {
          reject(error);
        }
      });
      sent.once('error', reject).end(body);
    });
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function outage({ origin }: URL, why: string, cause?: unknown): CredentialsError {
  return new CredentialsError(
    `versitygw at ${origin} makes no users now (${why}). If another program is there, set s3.credentialsMode to sts, ` +
      'static or none.',
    cause === undefined ? {} : { cause },
  );
}
