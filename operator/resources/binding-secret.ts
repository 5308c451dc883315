import { createHash } from 'node:crypto';
import { ANNOTATIONS, type FaaSKeeper, instanceIdOf } from '../api/index.ts';
import type { IssuedCredentials } from '../credentials/index.ts';
import { type Manifest, type Secret, TYPES } from '../kubernetes/index.ts';
import type { Release } from '../reconcilers/ports.ts';
import { bindingName, labelsOf, ownerOf } from './names.ts';

export const BINDING_TYPE = 'servicebinding.io/faaskeeper';

export interface BindingContent {
  readonly release: Release;
  readonly storagePrefix: string;
  readonly credentials: IssuedCredentials;
  /** Digest of what the credentials depend on. */
  readonly digest: string;
  /** host:port of the gateway, if there is one. */
  readonly zookeeper: string | undefined;
  /** URL of the S3 store for the clients of this instance. */
  readonly s3Endpoint: string;
}

/** The Secret that clients mount: one file a key, as the service-binding specification has it. */
export function bindingSecret(resource: FaaSKeeper, content: BindingContent): Manifest {
  const { release, credentials, storagePrefix } = content;
  const { s3, redis } = credentials;
  const values: Record<string, string | undefined> = {
    type: 'faaskeeper',
    provider: 'faaskeeper.io',
    instance: instanceIdOf(resource),
    'nats-url': release.client.natsUrl,
    'nats-creds': credentials.nats.creds,
    's3-endpoint': content.s3Endpoint,
    's3-region': release.client.s3.region,
    's3-bucket': release.client.s3.bucket,
    's3-prefix': storagePrefix,
    's3-access-key-id': s3?.accessKeyId,
    's3-secret-access-key': s3?.secretAccessKey,
    's3-session-token': s3?.sessionToken,
    // Their presence tells a client that nodes are in Redis.
    'redis-url': redis === undefined ? undefined : release.client.redisUrl,
    'redis-username': redis?.username,
    'redis-password': redis?.password,
    zookeeper: content.zookeeper,
    'ca.crt': release.client.ca,
  };
  const data = Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, Buffer.from(value, 'utf8').toString('base64')]],
    ),
  );
  const { apiVersion, kind } = TYPES.secret;
  return {
    apiVersion,
    kind,
    metadata: {
      name: bindingName(resource),
      namespace: resource.metadata.namespace,
      labels: labelsOf(resource, 'binding'),
      annotations: {
        [ANNOTATIONS.applied]: dataDigest(data),
        [ANNOTATIONS.credentials]: content.digest,
        [ANNOTATIONS.expires]: new Date(expiryOf(credentials)).toISOString(),
        [ANNOTATIONS.renew]: new Date(credentials.renewAt).toISOString(),
        ...(redis === undefined ? {} : { [ANNOTATIONS.redisUser]: redis.digests.join(' ') }),
      },
      ownerReferences: [ownerOf(resource)],
    },
    type: BINDING_TYPE,
    data,
  };
}

function expiryOf({ nats, s3 }: IssuedCredentials): number {
  return Math.min(nats.expiresAt, s3?.expiresAt ?? Number.POSITIVE_INFINITY);
}

/** A Secret without its content, which need not be in memory: what was in it can be told by its digest. */
export interface SeenSecret extends Secret {
  readonly digest: string;
}

export function withoutContent(secret: Secret): SeenSecret {
  const { data = {}, ...rest } = secret;
  const { managedFields: _, ...metadata } = secret.metadata as Secret['metadata'] & { managedFields?: unknown };
  return { ...rest, metadata, digest: dataDigest(data) };
}

/** Of Base64 values, as they are in `data`. */
export function dataDigest(data: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(data).sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 32);
}
