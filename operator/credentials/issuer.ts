import { createHash } from 'node:crypto';
import { type NatsRights, userCreds } from './nats-identity.ts';
import { type RedisIssued, RedisUsers } from './redis-users.ts';
import type { S3Issued } from './session-keys.ts';
import type { IssuerSettings } from './settings.ts';
import { issueStorage } from './storage.ts';
import { VersityUsers } from './versity-users.ts';

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
  /** With Hybrid user storage. */
  readonly redis?: RedisIssued;
  /** They reach this instance only. */
  readonly scoped: boolean;
  /** Why they are not scoped, or the store's are missing, and what to do. */
  readonly problem?: string;
  /** What to know of them although they are scoped. */
  readonly note?: string;
  /** ms since the epoch: half of the time is over then. */
  readonly renewAt: number;
}

export interface IssuedFor {
  readonly id: string;
  readonly storagePrefix: string;
  /** Nodes are in Redis. */
  readonly hybrid?: boolean;
  /** `redis.digests` of what was issued last: that goes on for a while. */
  readonly redisDigests?: readonly string[];
}

/** Makes credentials of instances. */
export interface CredentialIssuer {
  /** Changes when what it issues from has changed: all that was issued before may be void. */
  readonly generation: string;
  /** @throws on an outage: what was issued before still holds. */
  issue(instance: IssuedFor): Promise<IssuedCredentials>;
  /** Makes sure that servers still take what was issued last. False: issue anew. An outage changes nothing. */
  keep(instance: IssuedFor): Promise<boolean>;
  /** Ends what servers keep for an instance. @throws on an outage. */
  revoke(id: string): Promise<void>;
  close(): void;
}

/** What a client of an instance may do on NATS: no replies to whom it likes, nothing of JetStream. */
export function clientRights(id: string): NatsRights {
  return { publish: [`fk.${id}.req.>`, `fk.${id}.beat.>`], subscribe: [`fk.${id}.out.>`, `_INBOX_${id}.>`] };
}

export interface IssuerOptions {
  /** ms since the epoch. */
  readonly now?: () => number;
  /** A server may have forgotten users: `keep` is due. */
  readonly onDoubt?: () => void;
}

export function credentialIssuer(settings: IssuerSettings, options: IssuerOptions = {}): CredentialIssuer {
  const { now = Date.now, onDoubt } = options;
  const generation = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
  const versity = settings.s3.mode === 'versitygw' ? new VersityUsers(settings.s3.store) : undefined;
  const redis = settings.redisUrl === undefined ? undefined : new RedisUsers(settings.redisUrl, onDoubt);
  return {
    generation,
    async issue(instance) {
      const start = now();
      const [nats, store] = await Promise.all([
        issueNats(settings, instance, start),
        issueStorage({ settings, versity, redis }, instance),
      ]);
      const ends = Math.min(nats.expiresAt, store.s3?.expiresAt ?? Number.POSITIVE_INFINITY);
      const renewAt = start + (ends - start) / 2;
      if (settings.nats.mode === 'account') return { nats, ...store, renewAt };
      const problem = [SHARED_NATS, store.problem].filter((text) => text !== undefined).join(' ');
      return { nats, ...store, scoped: false, problem, renewAt };
    },
    async keep(instance) {
      const { id, redisDigests = [] } = instance;
      if (redisDigests.length > 0) await redis?.keep(id, redisDigests);
      return versity?.keeps(instance) ?? true;
    },
    async revoke(id) {
      await Promise.all([versity?.remove(id), redis?.remove(id)]);
    },
    close() {
      versity?.close();
      redis?.close();
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
