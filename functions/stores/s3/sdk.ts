/**
 * What the SDK is asked for: requests whose bodies are XML. It is loaded with the first of them (S3Connection.sdk), as it
 * takes a fifth of a function's start.
 */
import { DeleteObjectsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { S3_BOUNDS, type S3Options } from './options.ts';

export class S3Sdk {
  readonly client: S3Client;
  readonly #bucket: string;

  /** Retries are not the SDK's. */
  constructor({ endpoint, region, bucket, accessKeyId, secretAccessKey, sessionToken }: S3Options) {
    const agent = { keepAlive: true, maxSockets: S3_BOUNDS.sockets };
    this.#bucket = bucket;
    this.client = new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
      forcePathStyle: true,
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        httpAgent: agent,
        httpsAgent: agent,
        connectionTimeout: S3_BOUNDS.connectMs,
        requestTimeout: S3_BOUNDS.requestMs,
        throwOnRequestTimeout: true,
      },
    });
  }

  /** At most 1,000 keys; those that are not there count as deleted. Resolves with one that was not, and why. */
  async deleteObjects(keys: readonly string[]): Promise<string | undefined> {
    const Objects = keys.map((Key) => ({ Key }));
    const command = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } });
    const { Errors } = await this.client.send(command);
    const failed = Errors?.find(({ Code }) => Code !== 'NoSuchKey');
    return failed && `${failed.Key}: ${failed.Code} ${failed.Message}`;
  }

  /** At most 1,000 keys, and the token that the next ones are asked for with. */
  async list(prefix: string, token: string | undefined): Promise<{ keys: string[]; next: string | undefined }> {
    const from = token === undefined ? {} : { ContinuationToken: token };
    const page = await this.client.send(new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: prefix, ...from }));
    const keys = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
    return { keys, next: page.IsTruncated ? page.NextContinuationToken : undefined };
  }
}
