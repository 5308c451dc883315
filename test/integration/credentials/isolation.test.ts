/** What the clients of one instance can do to another, with real credentials on real servers. */
import { connectNats, connectS3, declareInstance } from '@faaskeeper/functions/stores';
import { storageKeys, subjects } from '@faaskeeper/protocol';
import { credentialIssuer, type IssuedCredentials } from '../../../operator/credentials/index.ts';
import { type AccountsNats, startAccountsNats } from '../../support/nats-accounts.ts';
import { type PrivateServers, privateServers } from '../../support/servers.ts';
import { eventually } from '../../support/stores.ts';
import { nobody, rawClient, tryObject } from './attempts.ts';

type Nats = Awaited<ReturnType<typeof connectNats>>;

let nats: AccountsNats;
let stores: PrivateServers;
let system: Nats;
let mine: IssuedCredentials;
let theirs: IssuedCredentials;

beforeAll(async () => {
  [nats, stores] = await Promise.all([startAccountsNats(), privateServers({ nats: false, redis: false })]);
  system = await connectNats({ url: nats.url, name: 'system', credsFile: nats.systemCreds });
  const issuer = credentialIssuer({
    nats: { mode: 'account', account: nats.account, signingSeed: nats.signingSeed },
    s3: { mode: 'sts', store: stores.s3.s3 },
    lifetimeSeconds: 3_600,
  });
  const issue = async (id: string) => {
    await declareInstance(system, { id, storagePrefix: `${id}/` });
    return issuer.issue({ id, storagePrefix: `${id}/` });
  };
  mine = await issue('mine');
  theirs = await issue('theirs');
});
afterAll(async () => {
  await system?.close();
  await Promise.all([nats?.[Symbol.asyncDispose](), stores?.stop()]);
});

async function requestsOf(id: string): Promise<number> {
  const answer = await system.request(`$JS.API.STREAM.INFO.${subjects(id).streams.request}`);
  return answer.json<{ state: { messages: number } }>().state.messages;
}

describe('NATS', () => {
  test('a client reaches its own instance', async () => {
    await using client = await rawClient(nats.url, mine.nats.creds, 'mine');
    const heard = client.hear('fk.mine.out.s.token');
    await client.settled();
    await client.publish('fk.mine.req.1', 'request');
    await eventually(async () => (await requestsOf('mine')) === 1);
    system.publish('fk.mine.out.s.token', 'reply');
    await eventually(() => heard.length === 1);
    expect(client.violations).toEqual([]);
  });

  test.each([
    'fk.theirs.req.1',
    'fk.theirs.beat.1',
    'fk.theirs.out.w',
    'fk.mine.out.w',
    'fk.mine.sys.req',
    'fk.mine.log',
    '$JS.API.INFO',
    '$JS.API.STREAM.MSG.GET.LOG_theirs',
    '$JS.API.DIRECT.GET.LOG_theirs',
    '$JS.API.STREAM.DELETE.LOG_mine',
    '$JS.ACK.LOG_mine.c.1.1.1.1.1',
    '$KV.faaskeeper-instances.theirs',
    '$SYS.REQ.SERVER.PING.VARZ',
    '_INBOX_theirs.reply',
  ])('it cannot publish to %s', async (subject) => {
    const before = await requestsOf('theirs');
    await using client = await rawClient(nats.url, mine.nats.creds, 'mine');
    await client.publish(subject, 'forged');
    expect(client.violations).toEqual([`publish ${subject}`]);
    expect(await requestsOf('theirs')).toBe(before);
  });

  test.each([
    '>',
    'fk.>',
    'fk.*.out.w',
    'fk.theirs.out.>',
    'fk.mine.req.>',
    'fk.mine.log',
    '_INBOX.>',
    '_INBOX_theirs.>',
    '$KV.>',
    '$JS.EVENT.>',
  ])('it cannot subscribe to %s', async (subject) => {
    await using client = await rawClient(nats.url, mine.nats.creds, 'mine');
    client.hear(subject);
    await client.settled();
    expect(client.violations).toEqual([`subscription ${subject}`]);
  });

  test('a forged reply subject brings nothing into the feed of another instance', async () => {
    await using victim = await rawClient(nats.url, theirs.nats.creds, 'theirs');
    const feed = victim.hear('fk.theirs.out.>');
    const inbox = victim.hear('_INBOX_theirs.>');
    await victim.settled();
    await using client = await rawClient(nats.url, mine.nats.creds, 'mine');
    const before = await requestsOf('mine');
    for (const reply of ['fk.theirs.out.w', '_INBOX_theirs.a', 'fk.theirs.req.1']) {
      await client.publish('fk.mine.req.1', 'request', reply);
    }
    // JetStream has them; an acknowledgement would have gone out before what follows.
    await eventually(async () => (await requestsOf('mine')) === before + 3);
    system.publish('fk.theirs.out.w', 'the next watermark');
    await eventually(() => feed.length > 0);
    expect(feed).toEqual(['the next watermark']);
    expect(inbox).toEqual([]);
    expect(await requestsOf('theirs')).toBe(0);
  });

  test('a stranger is not let in', async () => {
    await expect(rawClient(nats.url, undefined, 'mine')).rejects.toThrow(nobody);
  });
});

describe('S3', () => {
  const { node, watermark } = storageKeys('mine/');
  const objects = [node('/'), watermark, storageKeys('theirs/').node('/')];
  beforeAll(async () => {
    const client = connectS3(stores.s3.s3);
    for (const key of objects) await tryObject(client, stores.s3.s3.bucket, 'put', key);
    client.destroy();
  });

  test.each([
    ['get', node('/'), 200],
    ['get', node('/missing'), 404],
    ['get', watermark, 403],
    ['get', storageKeys('theirs/').node('/'), 403],
    ['get', storageKeys('theirs/').node('/missing'), 403],
    ['put', node('/'), 403],
    ['put', storageKeys('theirs/').node('/'), 403],
    ['delete', node('/'), 403],
    ['list', 'mine/', 403],
    ['list', 'theirs/', 403],
  ] as const)('%s of %s is answered with its status', async (what, key, status) => {
    if (mine.s3 === undefined) throw new Error(mine.problem);
    const client = connectS3({ ...stores.s3.s3, ...mine.s3 });
    expect(await tryObject(client, stores.s3.s3.bucket, what, key)).toBe(status);
    client.destroy();
  });

  test('the keys are said to be scoped, and are not those of the system', () => {
    expect(mine).toMatchObject({ scoped: true });
    expect(mine.s3?.accessKeyId).not.toBe(stores.s3.s3.accessKeyId);
    expect(mine.s3?.sessionToken).toBeDefined();
  });
});
