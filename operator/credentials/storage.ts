import { type KeyScope, probeKeyScope } from '@faaskeeper/functions/stores';
import type { IssuedCredentials, IssuedFor } from './issuer.ts';
import type { RedisUsers } from './redis-users.ts';
import { assumeRole, type ParentKeys, readPolicy, type S3Issued, type StsSettings } from './session-keys.ts';
import type { IssuerSettings } from './settings.ts';
import type { VersityUsers } from './versity-users.ts';

export type StoreIssued = Pick<IssuedCredentials, 's3' | 'redis' | 'scoped' | 'problem' | 'note'>;

/** What makes them. */
export interface Issuing {
  readonly settings: IssuerSettings;
  readonly versity: VersityUsers | undefined;
  readonly redis: RedisUsers | undefined;
}

const USERS_NOT_SAVED =
  'Redis keeps its users in memory only (it has no aclfile): after a restart, the operator makes them again.';

/** All that a client needs in order to read nodes, or nothing: half of it is of no use. */
export async function issueStorage(issuing: Issuing, instance: IssuedFor): Promise<StoreIssued> {
  const store = await issueS3(issuing, instance);
  if (!instance.hybrid || store.s3 === undefined) return store;
  const issued = await issuing.redis?.issue(instance.id, instance.redisDigests);
  if (issued === undefined || 'refusal' in issued) {
    const why = issued?.refusal ?? 'no Redis is set';
    const problem =
      `Redis gives no user for this instance (${why}). Give the system's user the right to ACL SETUSER, GETUSER, DELUSER ` +
      `and SAVE. ${INSTEAD}`;
    return { scoped: false, problem };
  }
  return { ...store, redis: issued, ...(issued.saved ? {} : { note: USERS_NOT_SAVED }) };
}

const INSTEAD =
  'Until then, clients of this instance use the ZooKeeper endpoint: the binding has no keys of the S3 store.';

async function issueS3({ settings, versity }: Issuing, instance: IssuedFor): Promise<StoreIssued> {
  const { s3, lifetimeSeconds } = settings;
  switch (s3.mode) {
    case 'none':
      return {
        scoped: false,
        problem: `Keys of the S3 store for clients are turned off (s3.credentialsMode is none). ${INSTEAD}`,
      };
    case 'static':
      return judge(s3.keys, await probeKeyScope(s3.store, s3.keys, instance.storagePrefix));
    case 'sts':
      return issueSession(s3.store, instance, lifetimeSeconds);
    case 'versitygw':
      return issueUser(s3.store, instance, await versity?.issue(instance));
  }
}

/** Keys that all instances share, given by whoever installs. */
function judge(keys: S3Issued, { readsOwn, readsOthers, writes }: KeyScope): StoreIssued {
  if (!readsOwn) {
    return { scoped: false, problem: `The S3 store refuses the keys given for clients. Give others. ${INSTEAD}` };
  }
  if (writes) {
    return {
      scoped: false,
      problem: `The keys given for clients may write to the S3 store. Give keys that may only read. ${INSTEAD}`,
    };
  }
  if (!readsOthers) return { s3: keys, scoped: true };
  return {
    s3: keys,
    scoped: false,
    problem:
      'The keys given for clients can read the objects of all instances. Use a store with STS AssumeRole ' +
      '(s3.credentialsMode: sts), or trust all namespaces that use this installation alike.',
  };
}

async function issueSession(store: StsSettings, { id, storagePrefix }: IssuedFor, lifetimeSeconds: number) {
  const policy = readPolicy(store.bucket, storagePrefix);
  const made = await assumeRole(store, { name: id, policy, lifetimeSeconds });
  if ('refusal' in made) {
    return {
      scoped: false,
      problem:
        `The S3 store at ${store.stsEndpoint ?? store.endpoint} gives no temporary keys (STS AssumeRole: ` +
        `${made.refusal}). Give read-only keys of your own (s3.credentialsMode: static). ${INSTEAD}`,
    };
  }
  return triedOut(store, made, { storagePrefix, what: 'temporary keys' });
}

async function issueUser(
  store: ParentKeys,
  { storagePrefix }: IssuedFor,
  made: Awaited<ReturnType<VersityUsers['issue']>> | undefined,
): Promise<StoreIssued> {
  if (made === undefined || 'refusal' in made) {
    return {
      scoped: false,
      problem:
        `The S3 store at ${store.endpoint} makes no user for this instance (${made?.refusal}). versitygw needs --iam-dir, and ` +
        `its root or an admin user here; for another store, choose another s3.credentialsMode. ${INSTEAD}`,
    };
  }
  return triedOut(store, made, { storagePrefix, what: 'keys of the user' });
}

/** A store may take no notice of what the keys were asked for with. */
async function triedOut(
  store: ParentKeys,
  keys: S3Issued,
  { storagePrefix, what }: { readonly storagePrefix: string; readonly what: string },
): Promise<StoreIssued> {
  const scope = await probeKeyScope(store, keys, storagePrefix);
  if (scope.readsOwn && !scope.readsOthers && !scope.writes) return { s3: keys, scoped: true };
  const finding = scope.readsOwn ? 'they can do more than the policy says' : 'they cannot be used';
  return {
    scoped: false,
    problem:
      `The ${what} that the S3 store at ${store.endpoint} gives are not safe to hand out: ${finding}. ` +
      `Give read-only keys of your own (s3.credentialsMode: static). ${INSTEAD}`,
  };
}
