import type { BackupDestination, FaaSKeeper } from '../api/index.ts';
import { DEFAULT_BACKUP_PREFIX } from '../data/index.ts';
import { TYPES } from '../kubernetes/index.ts';
import { namespaceToken } from '../resources/index.ts';
import { UserError } from './outcome.ts';
import type { BackupPlace, Outside } from './ports.ts';

/**
 * Where an instance's backups are. In the bucket of the installation each namespace has a prefix of its own, so that
 * nobody restores what belongs to another; in a bucket of the user's, the user's keys decide.
 */
export async function placeOf(
  { cluster, release }: Pick<Outside, 'cluster' | 'release'>,
  { metadata }: FaaSKeeper,
  destination: BackupDestination | undefined,
): Promise<BackupPlace> {
  if (destination === undefined) return { prefix: `${DEFAULT_BACKUP_PREFIX}${namespaceToken(metadata.namespace)}/` };
  const { credentialsSecret, bucket, prefix = '' } = destination;
  const secret = await cluster.get(TYPES.secret, metadata.namespace, credentialsSecret);
  const value = (key: string): string => {
    const found = secret?.data?.[key];
    if (found !== undefined) return Buffer.from(found, 'base64').toString('utf8').trim();
    throw new UserError(
      'DestinationSecretMissing',
      `The Secret ${credentialsSecret} with the key ${key} is not there.`,
    );
  };
  const s3 = {
    endpoint: destination.endpoint ?? release.s3.endpoint,
    region: destination.region ?? release.s3.region,
    bucket,
    accessKeyId: value('access-key-id'),
    secretAccessKey: value('secret-access-key'),
  };
  return { s3, prefix };
}
