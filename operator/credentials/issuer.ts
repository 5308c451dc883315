import { createHash } from 'node:crypto';
import { type KeyScope, probeKeyScope } from '@faaskeeper/functions/stores';
import { type NatsRights, userCreds } from './nats-identity.ts';
import { assumeRole, readPolicy, type S3Issued, type StsSettings } from './session-keys.ts';
import type { IssuerSettings } from './settings.ts';

export type { S3Issued } from './session-keys.ts';

export interface NatsIssued {
  /** Text of a .creds file. */
  readonly creds: string;
  /** ms since the epoch. */
  readonly expiresAt: number;
}

/** What the binding of an instance holds. */
export interface IssuedCredentials {
  readonly nats: NatsIssued;
  /** Absent: clients cannot read the store themselves. */
  readonly s3?: S3Issued;
  /** They reach this instance only. */
  readonly scoped: boolean;
  /** Why they are not scoped, or the store's are missing, and what to do. */
  readonly problem?: string;
  /** ms since the epoch: half of the time is over then. */
  readonly renewAt: number;
}

export interface IssuedFor {
  readonly id: string;
  readonly storagePrefix: string;
}

/** Makes credentials of instances. */
export interface CredentialIssuer {
  /** Changes when what it issues from has changed: all that was issued before may be void. */
  readonly generation: string;
  /** @throws on an outage: what was issued before still holds. */
  issue(instance: IssuedFor): Promise<IssuedCredentials>;
}

/** What a client of an instance may do on NATS: no replies to whom it likes, nothing of JetStream. */
export function clientRights(id: string): NatsRights {
  return { publish: [`fk.${id}.req.>`, `fk.${id}.beat.>`], subscribe: [`fk.${id}.out.>`, `_INBOX_${id}.>`] };
}

/** `now`: ms since the epoch. */
export function credentialIssuer(settings: IssuerSettings, now: () => number = Date.now): CredentialIssuer {
  const generation = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
  return {
    generation,
    async issue(instance) {
      const start = now();
      const [nats, store] = await Promise.all([issueNats(settings, instance, start), issueS3(settings, instance)]);
      const ends = Math.min(nats.expiresAt, store.s3?.expiresAt ?? Number.POSITIVE_INFINITY);
      const renewAt = start + (ends - start) / 2;
      if (settings.nats.mode === 'account') return { nats, ...store, renewAt };
      const problem = [SHARED_NATS, store.problem].filter((text) => text !== undefined).join(' ');
      return { nats, ...store, scoped: false, problem, renewAt };
    },
  };
}

const SHARED_NATS =
  'All instances share the NATS credentials given for clients. Give an account of NATS with a signing key, or trust all ' +
  'namespaces that use this installation alike.';

async function issueNats({ nats, lifetimeSeconds }: IssuerSettings, { id }: IssuedFor, start: number) {
  const expires = Math.floor(start / 1_000) + lifetimeSeconds;
  // Shared ones end when they say so; they are looked at again as if they ended now.
  if (nats.mode === 'static') return { creds: nats.creds, expiresAt: expires * 1_000 };
  const creds = await userCreds(nats, { name: id, rights: clientRights(id), expires });
  return { creds, expiresAt: expires * 1_000 };
}

type StoreIssued = Pick<IssuedCredentials, 's3' | 'scoped' | 'problem'>;

const INSTEAD =
  'Until then, clients of this instance use the ZooKeeper endpoint: the binding has no keys of the S3 store.';

async function issueS3({ s3, lifetimeSeconds }: IssuerSettings, instance: IssuedFor): Promise<StoreIssued> {
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
  const scope = await probeKeyScope(store, made, storagePrefix);
  if (scope.readsOwn && !scope.readsOthers && !scope.writes) return { s3: made, scoped: true };
  const finding = scope.readsOwn ? 'they can do more than the policy says' : 'they cannot be used';
  return {
    scoped: false,
    problem:
      `The temporary keys that the S3 store at ${store.endpoint} gives are not safe to hand out: ${finding}. ` +
      `Give read-only keys of your own (s3.credentialsMode: static). ${INSTEAD}`,
  };
}
