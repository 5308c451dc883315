/** `--enforce-auth-schemes`, `--super-digest` and the limit of connections: what a real ZooKeeper does with them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startZooKeeper, waitFor, type ZooKeeperServer } from '../../../operator/servers/index.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { has } from '../../support/programs.ts';
import { type Address, type Incoming, WireConnection, type WireRequest } from '../../support/zk-wire/index.ts';

/** `super:secret`. */
const SUPER = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4=';
const LIMIT = 4;
const withJava = has('java', '-version') && has('mvn') ? test : test.skip;

let gateway: TestGateway;
let reference: ZooKeeperServer | undefined;
let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'faaskeeper-zookeeper-'));
  gateway = await startTestGateway({
    instance: { superDigest: SUPER },
    environment: {
      FAASKEEPER_ENFORCE_AUTH_SCHEMES: 'digest',
      FAASKEEPER_MAX_CLIENT_CONNECTIONS: String(LIMIT),
    },
  });
  if (withJava !== test) return;
  process.env.JDK_JAVA_OPTIONS = [
    '-Dzookeeper.enforce.auth.enabled=true',
    '-Dzookeeper.enforce.auth.schemes=digest',
    `-Dzookeeper.DigestAuthenticationProvider.superDigest=${SUPER}`,
  ].join(' ');
  reference = await startZooKeeper({ dataDir });
  delete process.env.JDK_JAVA_OPTIONS;
}, 120_000);
afterAll(async () => {
  await Promise.all([gateway?.stop(), reference?.stop()]);
  await rm(dataDir, { recursive: true, force: true });
});

const auth = (scheme: string, text: string): WireRequest => ({
  op: 'auth',
  args: { type: 0, scheme, auth: Buffer.from(text) },
});
const create = (path: string, scheme: string, id: string): WireRequest => ({
  op: 'create',
  args: { path, data: Buffer.from('x'), acl: [{ perms: 31, id: { scheme, id } }], flags: 0 },
});
const exists: WireRequest = { op: 'exists', args: { path: '/', watch: false } };
const whoAmI: WireRequest = { op: 'whoAmI', args: {} };
const remove = (path: string): WireRequest => ({ op: 'delete', args: { path, version: -1 } });

async function open(server: Address): Promise<WireConnection> {
  return waitFor(
    async () => {
      const connection = await WireConnection.open(server);
      if ((await connection.handshake({ readOnly: false })) !== undefined) return connection;
      connection.destroy();
      throw new Error('no session yet');
    },
    { timeoutMs: 20_000 },
  );
}

/** What is answered to these requests, one after the other, without what may differ. */
async function transcript(server: Address, requests: readonly WireRequest[]): Promise<string[]> {
  const connection = await open(server);
  const lines: string[] = [];
  for (const request of requests) {
    connection.send(request);
    const replies = await connection.replies();
    lines.push(...replies.map(line));
    if (replies.at(-1)?.kind !== 'reply') break;
  }
  // What it is told last; a connection that stays open says nothing.
  if (lines.at(-1) !== 'closed') lines.push(line(await connection.next(500)));
  connection.destroy();
  return lines;
}

function line(incoming: Incoming): string {
  if (incoming.kind !== 'reply') return incoming.kind;
  const { op, err, zxid, body } = incoming;
  const known =
    op === 'whoAmI' && err === 0
      ? JSON.stringify((body.clientInfo as unknown[] | undefined)?.map(text).toSorted())
      : '';
  return `${op} ${err}${err === -124 ? ` zxid ${zxid}` : ''} ${known}`.trim();
}

const text = (one: unknown) => JSON.stringify(one);

const CASES: readonly [string, WireRequest[], string[]][] = [
  ['a read', [exists], ['exists -124 zxid 0', 'closed']],
  ['a ping', [{ op: 'ping', args: {} }], ['ping -124 zxid 0', 'closed']],
  ['closing the session', [{ op: 'closeSession', args: {} }], ['closeSession -124 zxid 0', 'closed']],
  ['an address alone', [whoAmI], ['whoAmI -124 zxid 0', 'closed']],
  ['a scheme that nobody knows', [auth('nobody', 'x'), exists], ['auth -115', 'closed']],
  ['a digest', [auth('digest', 'ann:secret'), exists], ['auth 0', 'exists 0', 'silence']],
  [
    'the super user, whom no ACL stops',
    [
      auth('digest', 'ann:secret'),
      create('/closed', 'digest', 'bob:hash='),
      auth('digest', 'eve:secret'),
      { op: 'getData', args: { path: '/closed', watch: false } },
      auth('digest', 'super:secret'),
      { op: 'getData', args: { path: '/closed', watch: false } },
      remove('/closed'),
    ],
    ['auth 0', 'create 0', 'auth 0', 'getData -102', 'auth 0', 'getData 0', 'delete 0', 'silence'],
  ],
];

test.each(CASES)('before it has authenticated, a connection gets nothing: %s', async (_, requests, expected) => {
  expect(await transcript(gateway, requests)).toEqual(expected);
});

withJava('a real ZooKeeper answers the same', async () => {
  for (const [, requests, expected] of CASES) expect(await transcript(reference!, requests)).toEqual(expected);
});

test('identities are those of the connection: a session that comes back has to authenticate again', async () => {
  const first = await WireConnection.open(gateway);
  const session = (await first.handshake({ readOnly: false }))!;
  first.send(auth('digest', 'ann:secret'), exists);
  expect(await first.replies()).toMatchObject([{ err: 0 }, { err: 0 }]);
  first.destroy();
  const second = await WireConnection.open(gateway);
  await second.handshake({ sessionId: session.sessionId, password: session.password, readOnly: false });
  second.send(exists);
  expect(await second.replies()).toMatchObject([{ err: -124 }]);
  expect(await second.next()).toEqual({ kind: 'closed' });
});

test('an address gets no more connections than it may have, and one again when it has closed one', async () => {
  const connections = await Promise.all(Array.from({ length: LIMIT }, () => open(gateway)));
  const refused = await WireConnection.open(gateway);
  expect(await refused.handshake({ readOnly: false })).toBeUndefined();
  connections[0]!.destroy();
  connections[0] = await open(gateway);
  for (const connection of connections) {
    connection.send(auth('digest', 'ann:secret'), exists);
    expect(await connection.replies()).toMatchObject([{ err: 0 }, { err: 0 }]);
    connection.destroy();
  }
});
