import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBucket, probeS3 } from '../bucket.ts';
import { type FindOptions, findServer, lookUp } from '../find.ts';
import { goInstaller } from '../install/go.ts';
import { launch, settle } from '../running.ts';
import { keptSecret, randomSecret } from '../secrets.ts';
import type { RunningServer, S3Address, StartOptions } from '../types.ts';
import { serverPackages } from '../versions.ts';
import { waitFor } from '../wait.ts';
import { minio } from './minio.ts';
import { seaweedfs } from './seaweedfs.ts';
import type { S3Program } from './types.ts';
import { versitygw } from './versitygw.ts';

const programs = { minio, seaweedfs, versitygw } as const satisfies Record<string, S3Program>;
export type S3Kind = keyof typeof programs;
export const s3Kinds = Object.keys(programs) as readonly S3Kind[];

export const s3Region = 'us-east-1';
const defaultBucket = 'faaskeeper';
const readyTimeoutMs = 60_000;

export interface S3Options extends StartOptions {
  /** Default: see chooseS3. */
  readonly kind?: S3Kind;
  /** Made if missing; default `faaskeeper`. */
  readonly bucket?: string;
}

export interface S3Server extends RunningServer {
  readonly kind: S3Kind;
  readonly s3: S3Address;
}

/** MinIO where it is there or can be built; SeaweedFS takes its place where Go is missing, and that is said. */
export async function chooseS3(options: FindOptions = {}): Promise<S3Kind> {
  const wanted = serverPackages.minio;
  if ((await lookUp('minio', options.cacheDir)) !== undefined || (await goInstaller.available(wanted))) return 'minio';
  options.onProgress?.('MinIO cannot be built here (Go is missing); SeaweedFS takes its place');
  return 'seaweedfs';
}

/** Starts an S3 server of the given kind and makes its bucket. */
export async function startS3(options: S3Options): Promise<S3Server> {
  const kind = options.kind ?? (await chooseS3(options));
  const { title } = serverPackages[kind];
  const { path } = await findServer(kind, options);
  const place = await settle(title, options);
  const { host, port, dataDir } = place;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const access = {
    region: s3Region,
    accessKeyId: await keptSecret(join(dataDir, 'passwords', 'access-key-id'), () => `fk${randomSecret(9)}`),
    secretAccessKey: await keptSecret(join(dataDir, 'passwords', 'secret-access-key'), () => randomSecret(20)),
  };
  const s3 = { endpoint: `http://${host}:${port}`, bucket: options.bucket ?? defaultBucket, ...access };
  const program = await programs[kind].processOf({ host, port, dataDir, ...access });
  const ready = () => probeS3(s3);
  const server = await launch(
    { title, scheme: 'http', command: path, ...program, ready, readyTimeoutMs },
    place,
    options,
  );
  try {
    await ensureBucketPatiently(s3, options.signal);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return Object.assign(server, { kind, s3 });
}

/** SeaweedFS lists buckets a little before its volume server is there to make one. */
async function ensureBucketPatiently(s3: S3Address, signal: AbortSignal | undefined): Promise<void> {
  await waitFor(() => ensureBucket(s3), { timeoutMs: 15_000, intervalMs: 250, signal });
}

/** True if `text` names a kind of S3 server. */
export function isS3Kind(text: string): text is S3Kind {
  return (s3Kinds as readonly string[]).includes(text);
}
