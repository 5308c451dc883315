import { randomBytes } from 'node:crypto';
import { natsConfig } from './nats-config.ts';
import { makeClaims, type NatsAccount, newAccount, newOperatorSeed, userCreds } from './nats-identity.ts';

export type BundledServer = 'nats' | 'redis' | 's3';

export interface CredentialsNeeds {
  /** The servers that the chart brings: for others, credentials are given. */
  readonly bundled: readonly BundledServer[];
  /** Host of the bundled Redis. */
  readonly redisHost: string;
}

/** What is there cannot be completed; the message says what to do. */
export class CredentialsError extends Error {
  override name = 'CredentialsError';
}

type Keys = Readonly<Record<string, string>>;

/**
 * The credentials that are missing: what is there is never changed, so repeating it makes nothing. Keys: see
 * docs/credentials.md.
 *
 * @throws CredentialsError where what is there is half of something.
 */
export async function makeCredentials(existing: Keys, needs: CredentialsNeeds): Promise<Record<string, string>> {
  const wanted = {
    'function-token': randomText(32),
    ...(needs.bundled.includes('redis') ? redisKeys(existing, needs.redisHost) : {}),
    ...(needs.bundled.includes('s3')
      ? { 's3-access-key-id': `fk${randomBytes(9).toString('hex')}`, 's3-secret-access-key': randomText(30) }
      : {}),
    ...(needs.bundled.includes('nats') ? await natsKeys(existing) : {}),
  };
  return Object.fromEntries(Object.entries(wanted).filter(([key]) => !existing[key]));
}

function redisKeys(existing: Keys, host: string): Record<string, string> {
  const { 'redis-url': url, 'redis-password': known } = existing;
  const password = known || (url ? decodeURIComponent(new URL(url).password) : '') || randomText(24);
  return { 'redis-password': password, 'redis-url': `redis://:${encodeURIComponent(password)}@${host}:6379/0` };
}

async function natsKeys(existing: Keys): Promise<Record<string, string>> {
  const account = accountOf(existing);
  const made = {
    'nats-account': account.account,
    'nats-account-seed': account.signingSeed,
    ...(existing['nats-system.creds'] ? {} : { 'nats-system.creds': await userCreds(account, { name: 'system' }) }),
  };
  if (existing['nats.conf']) return made;
  const operatorSeed = existing['nats-operator-seed'] || newOperatorSeed();
  return {
    ...made,
    'nats-operator-seed': operatorSeed,
    'nats.conf': natsConfig(await makeClaims(operatorSeed, account)),
  };
}

function accountOf(existing: Keys): NatsAccount {
  const {
    'nats-account': account,
    'nats-account-seed': signingSeed,
    'nats.conf': config,
    'nats-system.creds': system,
  } = existing;
  if (account && signingSeed) return { account, signingSeed };
  if (config || system) {
    const there = config ? 'nats.conf' : 'nats-system.creds';
    throw new CredentialsError(
      `${there} is there, but ${account ? 'nats-account-seed' : 'nats-account'} is missing. Put it back. If it is ` +
        'lost, delete nats.conf and nats-system.creds, too, and restart NATS and everything that uses it' +
        `${account ? '' : ': a new account is made, which does not see the streams of the old one'}.`,
    );
  }
  const made = newAccount();
  return { account: account || made.account, signingSeed: signingSeed || made.signingSeed };
}

function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}
