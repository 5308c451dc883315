/** Users of versitygw for instances, on a real one: what they reach, and that nothing of it is lost or left behind. */
import { connectS3 } from '@faaskeeper/functions/stores';
import { storageKeys } from '@faaskeeper/protocol';
import { type CredentialIssuer, credentialIssuer, makeCredentials } from '../../../operator/credentials/index.ts';
import { type BucketPolicy, VersityAdmin } from '../../../operator/credentials/versity-admin.ts';
import { type PrivateServers, privateServers, servers, uniqueId } from '../../support/servers.ts';
import { tryObject } from './attempts.ts';

type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string };
type Settings = Parameters<typeof credentialIssuer>[0];

let stores: PrivateServers;
let nats: Settings['nats'];
let issuer: CredentialIssuer;
let admin: VersityAdmin;

beforeAll(async () => {
  stores = await privateServers({ nats: false, redis: false, s3: 'versitygw' });
  const made = await makeCredentials({}, { bundled: ['nats'], redisHost: '' });
  nats = { mode: 'account', account: made['nats-account'] ?? '', signingSeed: made['nats-account-seed'] ?? '' };
  admin = new VersityAdmin(stores.s3.s3);
});
afterAll(async () => {
  admin?.close();
  await stores?.stop();
});
beforeEach(() => {
  issuer = issuerAt(stores.s3.s3);
});
afterEach(() => issuer.close());

function issuerAt(store: PrivateServers['s3']['s3']): CredentialIssuer {
  return credentialIssuer({ nats, s3: { mode: 'versitygw', store }, lifetimeSeconds: 3_600 });
}

const instance = (id: string) => ({ id, storagePrefix: `${id}/` });

async function keysOf(id: string, by = issuer): Promise<Keys> {
  const { s3, scoped, problem } = await by.issue(instance(id));
  if (s3 === undefined || !scoped) throw new Error(problem);
  return s3;
}

async function attempt(keys: Keys, what: 'get' | 'put' | 'delete' | 'list', key: string): Promise<number | undefined> {
  const client = connectS3({ ...stores.s3.s3, ...keys });
  const status = await tryObject(client, stores.s3.s3.bucket, what, key);
  client.destroy();
  return status;
}

const missing = (id: string) => storageKeys(`${id}/`).node('/missing');
const readsOwn = async (keys: Keys, id: string) => (await attempt(keys, 'get', missing(id))) === 404;
const usersOf = async (id: string) => (await admin.users()).filter((user) => user.includes(id));
const statementsOf = async (id: string) =>
  (await admin.policy()).Statement.filter((statement) => JSON.stringify(statement).includes(id));

test('keys read the public objects of their instance, and do nothing else', async () => {
  const [mine, theirs] = [uniqueId(), uniqueId()];
  const [keys] = [await keysOf(mine), await keysOf(theirs)];
  const { node, watermark } = storageKeys(`${mine}/`);
  const other = storageKeys(`${theirs}/`);
  for (const key of [node('/'), watermark, other.node('/')]) await attempt(stores.s3.s3, 'put', key);
  const expected = [
    ['get', node('/'), 200],
    ['get', node('/missing'), 404],
    ['get', watermark, 403],
    ['get', other.node('/'), 403],
    ['get', other.node('/missing'), 403],
    ['put', node('/'), 403],
    ['put', other.node('/'), 403],
    ['delete', node('/'), 403],
    ['list', `${mine}/`, 403],
    ['list', `${theirs}/`, 403],
  ] as const;
  for (const [what, key, status] of expected) {
    expect([what, key, await attempt(keys, what, key)]).toEqual([what, key, status]);
  }
  const asUser = new VersityAdmin({ ...stores.s3.s3, ...keys });
  await expect(asUser.users()).rejects.toMatchObject({ name: 'VersityRefusal' });
  await expect(asUser.policy()).rejects.toMatchObject({ name: 'VersityRefusal' });
  await expect(asUser.setPolicy({ Statement: [] })).rejects.toMatchObject({ name: 'VersityRefusal' });
  asUser.close();
});

test('keys go on until the ones after the next are made; the user goes with them', async () => {
  const id = uniqueId();
  const [first, second] = [await keysOf(id), await keysOf(id)];
  expect([await readsOwn(first, id), await readsOwn(second, id)]).toEqual([true, true]);
  const third = await keysOf(id);
  expect([await readsOwn(first, id), await readsOwn(second, id), await readsOwn(third, id)]).toEqual([
    false,
    true,
    true,
  ]);
  expect(await usersOf(id)).toHaveLength(2);
  expect(await statementsOf(id)).toHaveLength(1);
  expect(await issuer.keep(instance(id))).toBe(true);
});

test('many instances at once lose no statement; those of others stay', async () => {
  const foreign = {
    Effect: 'Allow',
    Principal: { AWS: [stores.s3.s3.accessKeyId] },
    Action: ['s3:GetObject'],
    Resource: [`arn:aws:s3:::${stores.s3.s3.bucket}/other/*`],
  };
  const before = await admin.policy();
  await admin.setPolicy({ ...before, Statement: [...before.Statement, foreign] });
  const ids = Array.from({ length: 8 }, () => uniqueId());
  const made = await Promise.all(ids.map((id) => keysOf(id)));
  expect(await Promise.all(made.map((keys, index) => readsOwn(keys, ids[index] as string)))).not.toContain(false);
  await Promise.all(ids.slice(1).map((id) => issuer.revoke(id)));
  expect(await usersOf(ids[1] as string)).toEqual([]);
  expect(await statementsOf(ids[1] as string)).toEqual([]);
  expect(await readsOwn(made[0] as Keys, ids[0] as string)).toBe(true);
  expect((await admin.policy()).Statement).toContainEqual(foreign);
});

test.each<[string, (id: string, policy: BucketPolicy) => Promise<unknown>]>([
  ['a statement that is lost', (_, policy) => admin.setPolicy({ ...policy, Statement: policy.Statement.slice(0, -1) })],
  [
    'a statement that reaches further',
    (id, policy) => {
      const wider = policy.Statement.map((one) => ({
        ...one,
        ...(one.Sid?.endsWith(id) ? { Resource: [`arn:aws:s3:::${stores.s3.s3.bucket}/*`] } : {}),
      }));
      return admin.setPolicy({ ...policy, Statement: wider });
    },
  ],
  ['a user who is gone', async (id) => Promise.all((await usersOf(id)).map((user) => admin.deleteUser(user)))],
])('%s is noticed, and mended by keys that are made anew', async (_, damage) => {
  const id = uniqueId();
  await keysOf(id);
  await damage(id, await admin.policy());
  await using later = { issuer: issuerAt(stores.s3.s3), [Symbol.asyncDispose]: async () => later.issuer.close() };
  expect(await later.issuer.keep(instance(id))).toBe(false);
  // A user who is gone must not keep others from getting theirs.
  const other = uniqueId();
  expect(await readsOwn(await keysOf(other, later.issuer), other)).toBe(true);
  expect(await readsOwn(await keysOf(id, later.issuer), id)).toBe(true);
  expect(await later.issuer.keep(instance(id))).toBe(true);
  expect(await later.issuer.keep(instance(other))).toBe(true);
});

test('a bucket that is still to be made is waited for', async () => {
  const early = issuerAt({ ...stores.s3.s3, bucket: `b${uniqueId()}` });
  await expect(early.issue(instance(uniqueId()))).rejects.toThrow(/makes no users now \(NoSuchBucket/);
  early.close();
});

test('another store is named, with what to do; an outage is an error, and what is held is kept', async () => {
  const minio = issuerAt(servers().s3);
  const issued = await minio.issue(instance(uniqueId()));
  expect(issued).toMatchObject({ scoped: false, problem: expect.stringContaining('--iam-dir') });
  expect(issued).not.toHaveProperty('s3');
  await minio.revoke(uniqueId());
  minio.close();
  const nobody = issuerAt({ ...stores.s3.s3, endpoint: 'http://127.0.0.1:9' });
  await expect(nobody.issue(instance(uniqueId()))).rejects.toThrow(/makes no users now/);
  expect(await nobody.keep(instance(uniqueId()))).toBe(true);
  nobody.close();
});
