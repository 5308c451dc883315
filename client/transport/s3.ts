import { ObjectRequests, ObjectStoreError } from '@faaskeeper/objects';
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

/** Times are ms. */
const BOUNDS = {
  /** GETs of one session at a time. */
  sockets: 64,
  connect: 3_000,
  request: 10_000,
} as const;

/** Reads objects of a bucket. */
export function s3Reader(options: S3Options): ObjectReader {
  const { accessKeyId, secretAccessKey, sessionToken } = options;
  const keys = new KeyRing({ accessKeyId, secretAccessKey, sessionToken }, options.renew);
  const requests = new ObjectRequests({
    endpoint: options.endpoint,
    region: options.region ?? 'us-east-1',
    bucket: options.bucket,
    keys: () => keys.current,
    ca: options.ca === undefined ? undefined : trusting(options.ca),
    sockets: BOUNDS.sockets,
    connectMs: BOUNDS.connect,
    requestMs: BOUNDS.request,
  });
  const get: Get = async (key, signal) => (await requests.get(key, signal)).body;
  return {
    async get(key, signal) {
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
    close: () => requests.destroy(),
  };
}

type Get = (key: string, signal?: AbortSignal) => Promise<Uint8Array>;

/** A missing bucket or wrong credentials are an error. */
function isMissing(error: unknown): boolean {
  return error instanceof ObjectStoreError && (error.name === 'NoSuchKey' || error.name === 'NotFound');
}

const REFUSALS: ReadonlySet<string> = new Set(['ExpiredToken', 'InvalidToken', 'InvalidAccessKeyId', 'AccessDenied']);

function isRefusal(error: unknown): boolean {
  return (
    error instanceof ObjectStoreError && (REFUSALS.has(error.name) || error.status === 403 || error.status === 401)
  );
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
