import { readFileSync } from 'node:fs';
import { type StoresConfig, storesConfig } from '@faaskeeper/functions/stores';
import * as v from 'valibot';
import { CredentialsError } from './make.ts';
import type { NatsAccount } from './nats-identity.ts';
import type { ParentKeys, S3Issued, StsSettings } from './session-keys.ts';
import type { VersitySettings } from './versity-admin.ts';

export type S3CredentialsMode = 'sts' | 'versitygw' | 'static' | 'none';

export interface IssuerSettings {
  readonly nats:
    | (NatsAccount & { readonly mode: 'account' })
    /** Text of a .creds file that all instances share. */
    | { readonly mode: 'static'; readonly creds: string };
  readonly s3:
    | { readonly mode: 'sts'; readonly store: StsSettings }
    | { readonly mode: 'versitygw'; readonly store: VersitySettings }
    | { readonly mode: 'static'; readonly store: ParentKeys; readonly keys: S3Issued }
    | { readonly mode: 'none' };
  /** With the system's user, which makes those of instances with Hybrid user storage. */
  readonly redisUrl?: string | undefined;
  /** What is issued ends after so long. Temporary keys of a store live for at least 15 minutes, at most 7 days. */
  readonly lifetimeSeconds: number;
}

const text = v.pipe(v.string(), v.minLength(1));
const DAY_SECONDS = 86_400;

const schema = v.object({
  FAASKEEPER_NATS_ACCOUNT: v.optional(v.pipe(text, v.regex(/^A[A-Z2-7]{55}$/, 'is no public key of an account (A…)'))),
  FAASKEEPER_NATS_ACCOUNT_SEED: v.optional(text),
  FAASKEEPER_NATS_STATIC_CREDS: v.optional(text),
  FAASKEEPER_S3_CREDENTIALS_MODE: v.optional(
    v.picklist(['sts', 'versitygw', 'static', 'none'], 'must be sts, versitygw, static or none'),
    'sts',
  ),
  FAASKEEPER_S3_STS_ENDPOINT: v.optional(text),
  FAASKEEPER_S3_ROLE_ARN: v.optional(text),
  FAASKEEPER_S3_ADMIN_ENDPOINT: v.optional(text),
  FAASKEEPER_S3_STATIC_ACCESS_KEY_ID: v.optional(text),
  FAASKEEPER_S3_STATIC_SECRET_ACCESS_KEY: v.optional(text),
  FAASKEEPER_S3_STATIC_SESSION_TOKEN: v.optional(text),
  FAASKEEPER_CREDENTIALS_LIFETIME: v.optional(
    v.pipe(v.string(), v.regex(/^\d+$/, 'must be seconds'), v.transform(Number), v.minValue(60, 'must be at least 60')),
    String(DAY_SECONDS),
  ),
});

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * How credentials of instances are made, from the operator's environment. FAASKEEPER_NATS_ACCOUNT_SEED is the path of a
 * file; where there is no account to sign with, FAASKEEPER_NATS_STATIC_CREDS is the path of a .creds file that is handed
 * out to all. Empty variables count as not set.
 *
 * @throws CredentialsError naming every variable that is missing or wrong; StoresConfigError.
 */
export function issuerSettings(env: Environment, stores: StoresConfig = storesConfig(env)): IssuerSettings {
  const given = Object.fromEntries(Object.keys(schema.entries).flatMap((key) => (env[key] ? [[key, env[key]]] : [])));
  const parsed = v.safeParse(schema, given);
  if (!parsed.success) {
    const problems = parsed.issues.map((issue) => {
      const name = String(issue.path?.[0]?.key);
      return name in given ? `${name} ${issue.message}` : `${name} is not set`;
    });
    throw new CredentialsError(`Credentials of instances cannot be made: ${problems.join('; ')}`);
  }
  const values = parsed.output;
  return {
    nats: natsSettings(values),
    s3: s3Settings(values, stores),
    redisUrl: stores.redis.url,
    lifetimeSeconds: values.FAASKEEPER_CREDENTIALS_LIFETIME,
  };
}

function natsSettings(values: v.InferOutput<typeof schema>): IssuerSettings['nats'] {
  const { FAASKEEPER_NATS_ACCOUNT: account, FAASKEEPER_NATS_ACCOUNT_SEED: seed } = values;
  if (account !== undefined && seed !== undefined) return { mode: 'account', account, signingSeed: seedIn(seed) };
  if (values.FAASKEEPER_NATS_STATIC_CREDS !== undefined) {
    const name = 'FAASKEEPER_NATS_STATIC_CREDS';
    return { mode: 'static', creds: fileIn(name, values.FAASKEEPER_NATS_STATIC_CREDS) };
  }
  throw new CredentialsError(
    'Credentials of instances cannot be made: set FAASKEEPER_NATS_ACCOUNT and FAASKEEPER_NATS_ACCOUNT_SEED to an ' +
      'account of NATS and a file with the seed of one of its signing keys, or FAASKEEPER_NATS_STATIC_CREDS to a ' +
      '.creds file for all clients',
  );
}

function s3Settings(values: v.InferOutput<typeof schema>, { s3 }: StoresConfig): IssuerSettings['s3'] {
  const mode = values.FAASKEEPER_S3_CREDENTIALS_MODE;
  if (mode === 'none') return { mode };
  if (mode === 'sts') {
    return {
      mode,
      store: { ...s3, stsEndpoint: values.FAASKEEPER_S3_STS_ENDPOINT, roleArn: values.FAASKEEPER_S3_ROLE_ARN },
    };
  }
  if (mode === 'versitygw') return { mode, store: { ...s3, adminEndpoint: values.FAASKEEPER_S3_ADMIN_ENDPOINT } };
  const { FAASKEEPER_S3_STATIC_ACCESS_KEY_ID: accessKeyId, FAASKEEPER_S3_STATIC_SECRET_ACCESS_KEY: secretAccessKey } =
    values;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new CredentialsError(
      'FAASKEEPER_S3_CREDENTIALS_MODE is static: set FAASKEEPER_S3_STATIC_ACCESS_KEY_ID and ' +
        'FAASKEEPER_S3_STATIC_SECRET_ACCESS_KEY to keys that may read the public objects and nothing else',
    );
  }
  if (accessKeyId === s3.accessKeyId) {
    throw new CredentialsError(
      'FAASKEEPER_S3_STATIC_ACCESS_KEY_ID is the key of the system, which clients must not have',
    );
  }
  const sessionToken = values.FAASKEEPER_S3_STATIC_SESSION_TOKEN;
  return {
    mode,
    store: s3,
    keys: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  };
}

function seedIn(file: string): string {
  const seed = fileIn('FAASKEEPER_NATS_ACCOUNT_SEED', file).trim();
  if (!/^SA[A-Z2-7]{56}$/.test(seed)) {
    throw new CredentialsError(`FAASKEEPER_NATS_ACCOUNT_SEED: ${file} holds no seed of an account's signing key (SA…)`);
  }
  return seed;
}

function fileIn(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CredentialsError(`${name}: ${(cause as Error).message}`, { cause });
  }
}
