import { AssumeRoleCommand, STSClient, STSServiceException } from '@aws-sdk/client-sts';
import { storageKeys } from '@faaskeeper/protocol';
import { CredentialsError } from './make.ts';

/** An S3 store with the system's keys, which are never handed out. */
export interface ParentKeys {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface StsSettings extends ParentKeys {
  /** Where AssumeRole is answered. Default: the store itself. */
  readonly stsEndpoint?: string | undefined;
  /** Role that is assumed; some stores take no notice of it. */
  readonly roleArn?: string | undefined;
}

export interface S3Issued {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** ms since the epoch. */
  readonly expiresAt?: number;
}

/** Times are ms, lifetimes s: what STS allows. */
const BOUNDS = { connect: 2_000, request: 10_000, lifetimeMin: 900, lifetimeMax: 604_800, attempts: 2 } as const;
/** Required by the protocol; MinIO takes no notice of it. */
const ANY_ROLE = 'arn:aws:iam::000000000000:role/faaskeeper-instance';

/** What a client reads: the public objects of its instance. Not its checkpoints, nor what only some may see. */
export function readPolicy(bucket: string, storagePrefix: string) {
  const resource = `arn:aws:s3:::${bucket}/${storageKeys(storagePrefix).public}*`;
  const statement = { Effect: 'Allow', Action: ['s3:GetObject'], Resource: [resource] } as const;
  return { Version: '2012-10-17', Statement: [statement] } as const;
}

/**
 * Temporary keys that may do what the policy says (STS AssumeRole), or why this store gives none.
 *
 * @throws CredentialsError on an outage.
 */
export async function assumeRole(
  settings: StsSettings,
  options: { readonly name: string; readonly policy: object; readonly lifetimeSeconds: number },
): Promise<S3Issued | { readonly refusal: string }> {
  const { accessKeyId, secretAccessKey, region, endpoint, stsEndpoint = endpoint } = settings;
  const client = new STSClient({
    endpoint: stsEndpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: BOUNDS.attempts,
    requestHandler: { connectionTimeout: BOUNDS.connect, requestTimeout: BOUNDS.request, throwOnRequestTimeout: true },
  });
  try {
    const { Credentials: made } = await client.send(
      new AssumeRoleCommand({
        RoleArn: settings.roleArn ?? ANY_ROLE,
        RoleSessionName: options.name,
        DurationSeconds: Math.min(BOUNDS.lifetimeMax, Math.max(BOUNDS.lifetimeMin, options.lifetimeSeconds)),
        Policy: JSON.stringify(options.policy),
      }),
    );
    if (made?.AccessKeyId === undefined || made.SecretAccessKey === undefined)
      return { refusal: 'no keys in the answer' };
    return {
      accessKeyId: made.AccessKeyId,
      secretAccessKey: made.SecretAccessKey,
      ...(made.SessionToken === undefined ? {} : { sessionToken: made.SessionToken }),
      ...(made.Expiration === undefined ? {} : { expiresAt: made.Expiration.getTime() }),
    };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal !== undefined) return { refusal };
    throw new CredentialsError(
      `The S3 store at ${stsEndpoint} gives no temporary keys now (STS AssumeRole: ${(error as Error).message}). If it ` +
        'has no STS at all, set s3.credentialsMode to static or none.',
      { cause: error },
    );
  } finally {
    client.destroy();
  }
}

/** undefined: nobody can say (no answer, or the store is out of order). */
function refusalOf(error: unknown): string | undefined {
  const { $metadata, $response } = error as {
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number };
  };
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  if (status === undefined || (status >= 500 && status !== 501)) return undefined;
  const name = error instanceof STSServiceException ? error.name : 'no answer of STS';
  return `${status} ${name}`;
}
