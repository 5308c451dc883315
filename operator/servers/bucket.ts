import { CreateBucketCommand, HeadBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ServerError } from './errors.ts';
import type { S3Address } from './types.ts';

function clientOf(s3: Omit<S3Address, 'bucket'>): S3Client {
  return new S3Client({
    endpoint: s3.endpoint,
    region: s3.region,
    credentials: { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey },
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000 },
  });
}

/** Resolves when the store answers a signed request. */
export async function probeS3(s3: Omit<S3Address, 'bucket'>): Promise<void> {
  const client = clientOf(s3);
  try {
    await client.send(new ListBucketsCommand({}));
  } finally {
    client.destroy();
  }
}

/** Makes the bucket if it is not there. */
export async function ensureBucket(s3: S3Address): Promise<void> {
  const client = clientOf(s3);
  const Bucket = s3.bucket;
  try {
    await client.send(new CreateBucketCommand({ Bucket }));
  } catch (cause) {
    try {
      await client.send(new HeadBucketCommand({ Bucket }));
    } catch {
      const message = `The bucket "${Bucket}" at ${s3.endpoint} is missing and could not be made: check the credentials.`;
      throw new ServerError('UNREACHABLE', message, { cause });
    }
  } finally {
    client.destroy();
  }
}
