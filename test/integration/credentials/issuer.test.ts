/** What is issued depends on what the store can do; what cannot be kept apart is said. */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { connectS3 } from '@faaskeeper/functions/stores';
import { storageKeys } from '@faaskeeper/protocol';
import { credentialIssuer, type IssuerSettings, makeCredentials } from '../../../operator/credentials/index.ts';
import { assumeRole, readPolicy } from '../../../operator/credentials/session-keys.ts';
import { startS3 } from '../../../operator/servers/index.ts';
import { privateServers, servers } from '../../support/servers.ts';
import { tryObject } from './attempts.ts';

const ONE = { id: 'one', storagePrefix: 'one/' };

let nats: IssuerSettings['nats'];
beforeAll(async () => {
  const made = await makeCredentials({}, { bundled: ['nats'], redisHost: '' });
  nats = { mode: 'account', account: made['nats-account'] ?? '', signingSeed: made['nats-account-seed'] ?? '' };
});

const issuerOf = (s3: IssuerSettings['s3'], now?: () => number) =>
  credentialIssuer({ nats, s3, lifetimeSeconds: 3_600 }, now === undefined ? {} : { now });

/** Keys with the rights of the policy, as somebody might give them. */
async function keysWith(policy: object) {
  const made = await assumeRole(servers().s3, { name: 'given', policy, lifetimeSeconds: 900 });
  if ('refusal' in made) throw new Error(made.refusal);
  return made;
}

test('credentials are to be renewed when half of their time is over', async () => {
  const start = Date.now();
  const issued = await issuerOf({ mode: 'sts', store: servers().s3 }, () => start).issue(ONE);
  expect(issued.scoped).toBe(true);
  expect(issued.nats.expiresAt).toBe((Math.floor(start / 1_000) + 3_600) * 1_000);
  expect(issued.s3?.expiresAt).toBeGreaterThan(start + 3_500_000);
  expect(Math.abs(issued.renewAt - (start + 1_800_000))).toBeLessThan(5_000);
});

test('given keys of one instance are handed out to it, and to no other', async () => {
  const store = servers().s3;
  const keys = await keysWith(readPolicy(store.bucket, ONE.storagePrefix));
  const issuer = issuerOf({ mode: 'static', store, keys });
  expect(await issuer.issue(ONE)).toMatchObject({ scoped: true, s3: { accessKeyId: keys.accessKeyId } });
  const other = await issuer.issue({ id: 'two', storagePrefix: 'two/' });
  expect(other).toMatchObject({ scoped: false, problem: expect.stringContaining('refuses the keys') });
  expect(other).not.toHaveProperty('s3');
});

test('given keys that read everything are handed out, and that is said', async () => {
  const store = servers().s3;
  const keys = await keysWith({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::${store.bucket}/*`] }],
  });
  const issued = await issuerOf({ mode: 'static', store, keys }).issue(ONE);
  expect(issued).toMatchObject({ scoped: false, s3: { accessKeyId: keys.accessKeyId } });
  expect(issued.problem).toContain('can read the objects of all instances');
});

test('given keys that may write are kept back', async () => {
  const store = servers().s3;
  const keys = await keysWith({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: ['s3:*'], Resource: [`arn:aws:s3:::${store.bucket}/*`] }],
  });
  const issued = await issuerOf({ mode: 'static', store, keys }).issue(ONE);
  expect(issued).toMatchObject({ scoped: false, problem: expect.stringContaining('may only read') });
  expect(issued).not.toHaveProperty('s3');
});

test('without keys for clients, the binding has none, and that is said', async () => {
  const issued = await issuerOf({ mode: 'none' }).issue(ONE);
  expect(issued).toMatchObject({ scoped: false, problem: expect.stringContaining('ZooKeeper endpoint') });
  expect(issued).not.toHaveProperty('s3');
});

test('a store without temporary keys is named, with what to do', async () => {
  await using own = await privateServers({ nats: false, redis: false, s3: 'versitygw' });
  const issued = await issuerOf({ mode: 'sts', store: own.s3.s3 }).issue(ONE);
  expect(issued).toMatchObject({ scoped: false, problem: expect.stringContaining('s3.credentialsMode: static') });
  expect(issued).not.toHaveProperty('s3');
});

test('a store that takes no notice of the policy has its keys kept back', async () => {
  const answer = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
    <AccessKeyId>temporary</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
    <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === 'POST') response.writeHead(200, { 'content-type': 'text/xml' }).end(answer);
    else response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const issued = await issuerOf({ mode: 'sts', store: { ...servers().s3, endpoint } }).issue(ONE);
  expect(issued).toMatchObject({ scoped: false, problem: expect.stringContaining('more than the policy says') });
  expect(issued).not.toHaveProperty('s3');
  server.closeAllConnections();
  server.close();
});

test('an outage is an error: what was issued before still holds', async () => {
  const store = { ...servers().s3, endpoint: 'http://127.0.0.1:9' };
  await expect(issuerOf({ mode: 'sts', store }).issue(ONE)).rejects.toThrow(/gives no temporary keys now/);
});

test('credentials that all instances share are said not to be kept apart', async () => {
  const settings: IssuerSettings = {
    nats: { mode: 'static', creds: 'shared' },
    s3: { mode: 'sts', store: servers().s3 },
    lifetimeSeconds: 3_600,
  };
  expect(await credentialIssuer(settings).issue(ONE)).toMatchObject({
    nats: { creds: 'shared' },
    s3: { accessKeyId: expect.any(String) },
    scoped: false,
    problem: expect.stringContaining('share the NATS credentials'),
  });
});

test("keys end with the system's key that they were made from, and the issuer's generation tells", async () => {
  await using own = await privateServers({ nats: false, redis: false });
  const before = issuerOf({ mode: 'sts', store: own.s3.s3 });
  const { s3: keys } = await before.issue(ONE);
  if (keys === undefined) throw new Error('no keys');
  const { bucket } = own.s3.s3;
  const read = async (access: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) => {
    const client = connectS3({ ...own.s3.s3, ...access });
    const status = await tryObject(client, bucket, 'get', storageKeys(ONE.storagePrefix).node('/'));
    client.destroy();
    return status;
  };
  expect(await read(keys)).toBe(404);

  const dataDir = dirname(own.s3.logFile);
  await own.s3.stop();
  await writeFile(join(dataDir, 'passwords', 'secret-access-key'), 'another-secret-of-the-system');
  await using again = await startS3({ dataDir, kind: 'minio', port: own.s3.port });
  expect(await read(keys)).toBe(403);
  const after = issuerOf({ mode: 'sts', store: again.s3 });
  expect(after.generation).not.toBe(before.generation);
  expect(await read((await after.issue(ONE)).s3 ?? keys)).toBe(404);
});
