import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { storageKeys } from '@faaskeeper/protocol';
import type { ObjectReader } from '../ports.ts';
import { KeyRing, type S3Keys } from './key-ring.ts';
import { trusting } from './trust.ts';

export interface S3Options extends S3Keys {
  readonly endpoint: string;
  readonly region?: string | undefined;
  readonly bucket: string;
  /** Prefix of the instance's keys, ending in /. */
  readonly prefix: string;
  /** Where the keys come from: asked when the store refuses them, and now and then. Default: they stay. */
  readonly renew?: (() => Promise<S3Keys>) | undefined;
  /** Certificates (PEM) that an https endpoint may be signed by, besides the usual ones. */
  readonly ca?: string | undefined;
}

/** GETs of one session at a time. */
const SOCKETS = 64;

/** Reads objects of a bucket. The library takes 0.3 s to load, so it loads beside the rest of connecting. */
export function s3Reader(options: S3Options): ObjectReader {
  const { accessKeyId, secretAccessKey, sessionToken } = options;
  const keys = new KeyRing({ accessKeyId, secretAccessKey, sessionToken }, options.renew);
  const loading = load(options, keys);
  loading.catch(() => undefined);
  return {
    async get(key, signal) {
      const { get } = await loading;
      for (let renewed = false; ; renewed = true) {
        const used = keys.current;
        try {
          return await get(key, signal);
        } catch (error) {
          if (isMissing(error)) return undefined;
          if (!isRefusal(error)) throw error;
          if (!renewed && (await keys.replaced(used))) continue;
          if (await isRefusalOfMissing(get, key, signal)) return undefined;
          throw error;
        }
      }
    },
    close: () => void loading.then(({ client }) => client.destroy()).catch(() => undefined),
  };
}

type Get = (key: string, signal?: AbortSignal) => Promise<Uint8Array>;

async function load(options: S3Options, keys: KeyRing): Promise<{ client: S3Client; get: Get }> {
  const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const agent = { maxSockets: SOCKETS };
  const client = new S3Client({
    endpoint: options.endpoint,
    region: options.region ?? 'us-east-1',
    forcePathStyle: true,
    credentials: credentialsOf(keys),
    // Objects carry their own checksum; the caller repeats what fails.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    requestHandler: {
      httpsAgent: options.ca === undefined ? agent : { ...agent, ca: trusting(options.ca) },
      httpAgent: agent,
      requestTimeout: 10_000,
    },
  });
  const get: Get = async (key, signal) => {
    const answer = await client.send(
      new GetObjectCommand({ Bucket: options.bucket, Key: key }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    return (await answer.Body?.transformToByteArray()) ?? new Uint8Array(0);
  };
  return { client, get };
}

/** Keys that may be renewed are asked for with every request: the SDK keeps no keys that are over. */
function credentialsOf(keys: KeyRing): NonNullable<S3ClientConfig['credentials']> {
  const identity = () => {
    const { accessKeyId, secretAccessKey, sessionToken } = keys.current;
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  };
  return keys.renewable ? async () => ({ ...identity(), expiration: new Date(0) }) : identity();
}

/** A missing bucket or wrong credentials are an error. */
function isMissing(error: unknown): boolean {
  const { name } = error as { name?: unknown };
  return name === 'NoSuchKey' || name === 'NotFound';
}

const REFUSALS: ReadonlySet<unknown> = new Set(['ExpiredToken', 'InvalidToken', 'InvalidAccessKeyId', 'AccessDenied']);

function isRefusal(error: unknown): boolean {
  const { name, $metadata } = error as { name?: unknown; $metadata?: { httpStatusCode?: number } };
  return REFUSALS.has(name) || $metadata?.httpStatusCode === 403 || $metadata?.httpStatusCode === 401;
}

/**
 * Who may not list gets 403 for a missing key from some stores (Amazon's), as for keys that have ended. The root is
 * there as soon as anything is: who may read it, may read what is beside it.
 */
async function isRefusalOfMissing(get: Get, key: string, signal: AbortSignal | undefined): Promise<boolean> {
  const root = rootBeside(key);
  if (root === undefined || root === key) return false;
  try {
    await get(root, signal);
    return true;
  } catch {
    return false;
  }
}

function rootBeside(key: string): string | undefined {
  const end = key.lastIndexOf(storageKeys('').public);
  return end < 0 ? undefined : storageKeys(key.slice(0, end)).node('/');
}
