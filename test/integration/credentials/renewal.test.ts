/** Credentials end while a client is connected; it goes on with the renewed ones. */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaaSKeeper } from '@faaskeeper/client';
import { connectNats, connectS3, declareInstance } from '@faaskeeper/functions/stores';
import { storageKeys } from '@faaskeeper/protocol';
import {
  type CredentialIssuer,
  credentialIssuer,
  type IssuedCredentials,
} from '../../../operator/credentials/index.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { type AccountsNats, startAccountsNats } from '../../support/nats-accounts.ts';
import { type PrivateServers, privateServers, type TestServers, uniqueId } from '../../support/servers.ts';
import { eventually } from '../../support/stores.ts';
import { tryObject } from './attempts.ts';

let nats: AccountsNats;
let stores: PrivateServers;
let faaskeeper: TestFaaSKeeper;
let addresses: TestServers;
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'faaskeeper-binding-'));
  [nats, stores] = await Promise.all([startAccountsNats(), privateServers({ nats: false })]);
  addresses = { ...stores.addresses, natsUrl: nats.url, natsUser: '', natsPassword: '', natsCreds: nats.systemCreds };
  faaskeeper = await startFaaSKeeper({ servers: addresses });
});
afterAll(async () => {
  await faaskeeper?.stop();
  await Promise.all([nats?.[Symbol.asyncDispose](), stores?.stop()]);
  await rm(root, { recursive: true, force: true });
});

function issuer(lifetimeSeconds: number): CredentialIssuer {
  return credentialIssuer({
    nats: { mode: 'account', account: nats.account, signingSeed: nats.signingSeed },
    s3: { mode: 'sts', store: addresses.s3 },
    lifetimeSeconds,
  });
}

function issue(lifetimeSeconds: number): Promise<IssuedCredentials> {
  return issuer(lifetimeSeconds).issue(faaskeeper.spec);
}

/** The binding's files as Kubernetes mounts a Secret: all of them change at once. */
async function mount(name: string) {
  const dir = join(root, name);
  let moments = 0;
  return {
    dir,
    async show({ nats: { creds }, s3 }: IssuedCredentials, other: Record<string, string> = {}) {
      const values: Record<string, string> = {
        type: 'faaskeeper',
        instance: faaskeeper.spec.id,
        'nats-url': nats.url,
        'nats-creds': creds,
        's3-endpoint': addresses.s3.endpoint,
        's3-bucket': addresses.s3.bucket,
        's3-prefix': faaskeeper.spec.storagePrefix,
        's3-access-key-id': s3?.accessKeyId ?? '',
        's3-secret-access-key': s3?.secretAccessKey ?? '',
        's3-session-token': s3?.sessionToken ?? '',
        ...other,
      };
      const moment = `..${moments++}`;
      await mkdir(join(dir, moment), { recursive: true });
      for (const [key, value] of Object.entries(values)) {
        await writeFile(join(dir, moment, key), value);
        if (moments === 1) await symlink(join('..data', key), join(dir, key));
      }
      await symlink(moment, join(dir, '..next'));
      await rename(join(dir, '..next'), join(dir, '..data'));
    },
  };
}

test('a session outlives its NATS credentials: the client reads the renewed ones and goes on', async () => {
  const binding = await mount('nats');
  const short = await issue(8);
  await binding.show(short);
  const client = await FaaSKeeper.fromBinding(binding.dir, { sessionTimeout: 30_000 });
  const states: string[] = [];
  client.on('state', (state) => states.push(state));
  const { sessionId } = client;
  await client.create('/mine', 'here', { mode: 'EPHEMERAL' });

  // Its time is over, and nothing is renewed yet: it is out, and tries again and again.
  // The server counts in seconds, and lets somebody in for the rest of the last one.
  await eventually(() => Date.now() > short.nats.expiresAt + 1_000 && client.state === 'suspended');
  const asked = client.setData('/mine', 'still here');
  await expect(FaaSKeeper.fromBinding(binding.dir)).rejects.toMatchObject({ code: 'ConnectionLoss' });

  await binding.show(await issue(3_600));
  await asked;
  expect(client.sessionId).toBe(sessionId);
  expect(client.state).toBe('connected');
  expect(Buffer.from((await client.getData('/mine')).data ?? []).toString()).toBe('still here');
  expect((await client.exists('/mine'))?.ephemeralOwner).toBe(sessionId);
  expect(states).not.toContain('expired');
  await client.close();
});

test('keys of the store that have ended are replaced by the renewed ones while a read waits', async () => {
  const binding = await mount('s3');
  const good = await issue(3_600);
  await binding.show(good, { 's3-session-token': `${good.s3?.sessionToken}x` });
  const client = await FaaSKeeper.fromBinding(binding.dir, { sessionTimeout: 30_000 });
  await client.create('/read', 'text');
  const reading = client.getData('/read');
  const missing = client.exists('/nothing');
  await binding.show(await issue(3_600));
  expect(Buffer.from((await reading).data ?? []).toString()).toBe('text');
  expect(await missing).toBeNull();
  await client.close();
});

test('the root can be read as soon as a session is open, whatever a store says of missing keys', async () => {
  const system = await connectNats({ url: nats.url, name: 'test', credsFile: nats.systemCreds });
  const fresh = await declareInstance(system, { id: uniqueId(), storagePrefix: 'fresh/' });
  const { creds } = (await issuer(3_600).issue(fresh)).nats;
  const client = await FaaSKeeper.connect({
    instance: fresh.id,
    nats: { url: nats.url, creds },
    s3: { ...addresses.s3, prefix: fresh.storagePrefix },
  });
  const store = connectS3(addresses.s3);
  const root = storageKeys(fresh.storagePrefix).node('/');
  await eventually(async () => (await tryObject(store, addresses.s3.bucket, 'get', root)) === 200);
  store.destroy();
  await client.close();
  await system.close();
});
