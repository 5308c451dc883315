import { S3Client } from '@aws-sdk/client-s3';
import { ObjectRequests } from '@faaskeeper/objects';

export interface S3Options {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined;
}

/** Bounds of the connections; times are ms. */
const BOUNDS = { sockets: 64, connect: 2_000, request: 15_000 } as const;

/** The SDK's client, and beside it the short way for what is done most: GET and PUT of one object of the bucket. */
export class S3Connection extends S3Client {
  readonly objects: ObjectRequests;

  /** Retries are not the SDK's: a repeated conditional PUT could be refused because of its own first attempt. */
  constructor(options: S3Options) {
    const { accessKeyId, secretAccessKey, sessionToken } = options;
    const agent = { keepAlive: true, maxSockets: BOUNDS.sockets };
    super({
      endpoint: options.endpoint,
      region: options.region,
      credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
      forcePathStyle: true,
      maxAttempts: 1,
      // Stored objects carry a checksum of their own.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        httpAgent: agent,
        httpsAgent: agent,
        connectionTimeout: BOUNDS.connect,
        requestTimeout: BOUNDS.request,
        throwOnRequestTimeout: true,
      },
    });
    const { sockets, connect: connectMs, request: requestMs } = BOUNDS;
    this.objects = new ObjectRequests({ ...options, keys: () => options, sockets, connectMs, requestMs });
  }

  override destroy(): void {
    this.objects.destroy();
    super.destroy();
  }
}

export function connectS3(options: S3Options): S3Connection {
  return new S3Connection(options);
}
