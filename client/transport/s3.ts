import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectReader } from '../ports.ts';

export interface S3Options {
  readonly endpoint: string;
  readonly region?: string | undefined;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Prefix of the instance's keys, ending in /. */
  readonly prefix: string;
}

/** GETs of one session at a time. */
const SOCKETS = 64;

/** Reads objects of a bucket. The library takes 0.3 s to load, so it loads beside the rest of connecting. */
export function s3Reader(options: S3Options): ObjectReader {
  const loading = load(options);
  loading.catch(() => undefined);
  return {
    async get(key, signal) {
      const { client, get } = await loading;
      try {
        return await get(client, key, signal);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    close: () => void loading.then(({ client }) => client.destroy()).catch(() => undefined),
  };
}

type Get = (client: S3Client, key: string, signal?: AbortSignal) => Promise<Uint8Array>;

async function load(options: S3Options): Promise<{ client: S3Client; get: Get }> {
  const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    endpoint: options.endpoint,
    region: options.region ?? 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
    // Objects carry their own checksum; the caller repeats what fails.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    requestHandler: { httpsAgent: { maxSockets: SOCKETS }, httpAgent: { maxSockets: SOCKETS }, requestTimeout: 10_000 },
  });
  const get: Get = async (to, key, signal) => {
    const answer = await to.send(
      new GetObjectCommand({ Bucket: options.bucket, Key: key }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    return (await answer.Body?.transformToByteArray()) ?? new Uint8Array(0);
  };
  return { client, get };
}

/** A missing key is 404, or 403 for who may not list; a missing bucket or wrong credentials are an error. */
function isMissing(error: unknown): boolean {
  const { name } = error as { name?: unknown };
  return name === 'NoSuchKey' || name === 'NotFound' || name === 'AccessDenied';
}
