/** TLS over the wire: who gets in, as whom, and with which certificate. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { waitFor } from '../../../operator/servers/index.ts';
import { type Authority, authority, type CertificateFiles } from '../../support/certificates.ts';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { WireConnection } from '../../support/zk-wire/index.ts';

const ANN = 'O=Shop\\, Inc,OU=orders,CN=ann';
const ROOT = 'CN=root';
let mine: Authority;
let theirs: Authority;
let server: CertificateFiles;
let gateway: TestGateway;
let ann: CertificateFiles;
const named = { servername: 'keeper.test' };

beforeAll(async () => {
  [mine, theirs] = await Promise.all([authority(), authority()]);
  server = await mine.issue('server', '/CN=keeper', ['keeper.test']);
  ann = await mine.issue('ann', '/CN=ann/OU=orders/O=Shop, Inc');
  gateway = await startTestGateway({
    instance: { superX509: ROOT },
    environment: {
      FAASKEEPER_TLS_CERT: server.cert,
      FAASKEEPER_TLS_KEY: server.key,
      FAASKEEPER_TLS_CA: mine.ca,
      FAASKEEPER_TLS_CLIENT_AUTH: 'want',
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await mine?.[Symbol.asyncDispose]();
  await theirs?.[Symbol.asyncDispose]();
});

async function open(client: Awaited<ReturnType<Authority['client']>>, more: object = named): Promise<WireConnection> {
  const tls = { ...client, ...more };
  const connection = await WireConnection.open({ host: gateway.host, port: gateway.securePort, tls });
  if ((await connection.handshake({ readOnly: false })) === undefined) throw new Error('no session');
  return connection;
}

async function identities(connection: WireConnection): Promise<unknown> {
  connection.send({ op: 'whoAmI', args: {} });
  const [reply] = await connection.replies();
  return (reply as unknown as { body: { clientInfo: unknown } }).body.clientInfo;
}

const acl = (scheme: string, id: string) => [{ perms: 31, id: { scheme, id } }];

test('a client certificate is an identity, in the form that ZooKeeper gives it', async () => {
  const connection = await open(await mine.client(ann));
  expect(await identities(connection)).toEqual([
    { authScheme: 'ip', user: '127.0.0.1' },
    { authScheme: 'x509', user: ANN },
  ]);
  connection.destroy();
});

test('ACLs of x509 and auth let its holder in and nobody else', async () => {
  const [holder, other] = [await open(await mine.client(ann)), await open(await mine.client())];
  const data = Buffer.from('1');
  holder.send(
    { op: 'create', args: { path: '/named', data, acl: acl('x509', ANN), flags: 0 } },
    { op: 'create', args: { path: '/authed', data, acl: acl('auth', ''), flags: 0 } },
    { op: 'create', args: { path: '/wrong', data, acl: acl('x509', 'no name'), flags: 0 } },
    { op: 'auth', args: { type: 0, scheme: 'x509', auth: Buffer.alloc(0) } },
    { op: 'getACL', args: { path: '/authed' } },
    { op: 'getData', args: { path: '/named', watch: false } },
  );
  const replies = await holder.replies();
  expect(replies.map((reply) => (reply as { err: number }).err)).toEqual([0, 0, -114, 0, 0, 0]);
  expect(replies[4]).toMatchObject({ body: { acl: [{ perms: 31, id: { scheme: 'x509', id: ANN } }] } });
  other.send({ op: 'sync', args: { path: '/' } }, { op: 'getData', args: { path: '/named', watch: false } });
  expect(await other.replies()).toMatchObject([{ err: 0 }, { err: -102 }]);
  const root = await open(await mine.client(await mine.issue('root', '/CN=root')));
  root.send({ op: 'setData', args: { path: '/named', data, version: 0 } });
  expect(await root.replies()).toMatchObject([{ err: 0 }]);
  for (const connection of [holder, other, root]) connection.destroy();
});

test('who has no certificate cannot authenticate by one, and one of another authority is refused', async () => {
  const without = await open(await mine.client());
  expect(await identities(without)).toEqual([{ authScheme: 'ip', user: '127.0.0.1' }]);
  without.send({ op: 'auth', args: { type: 0, scheme: 'x509', auth: Buffer.alloc(0) } });
  expect(await without.replies()).toMatchObject([{ err: -115 }]);
  const stranger = await theirs.client(await theirs.issue('ann', '/CN=ann/OU=orders/O=Shop, Inc'));
  await expect(open({ ...stranger, ca: await readFile(mine.ca) })).rejects.toThrow();
  await expect(open(await mine.client(), { ...named, maxVersion: 'TLSv1.1' })).rejects.toThrow();
});

test('the plain port and the TLS port lead to the same instance, by any name', async () => {
  const plain = await WireConnection.open(gateway);
  await plain.handshake({ readOnly: false });
  plain.send({ op: 'create', args: { path: '/both', data: null, acl: acl('world', 'anyone'), flags: 0 } });
  await plain.replies();
  const secure = await open(await mine.client(), { checkServerIdentity: () => undefined, servername: 'other.test' });
  secure.send({ op: 'sync', args: { path: '/' } }, { op: 'exists', args: { path: '/both', watch: false } });
  expect(await secure.replies()).toMatchObject([{ err: 0 }, { err: 0 }]);
  plain.destroy();
  secure.destroy();
});

async function shown(): Promise<string> {
  const ca = await readFile(mine.ca);
  const socket: TLSSocket = connectTls({ host: gateway.host, port: gateway.securePort, ca, ...named });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

test('new files are taken over without a restart; broken ones are told of and change nothing', async () => {
  const [cert, key] = [await readFile(server.cert), await readFile(server.key)];
  const connection = await open(await mine.client());
  await writeFile(server.cert, 'no certificate');
  const log = () => readFile(gateway.process.logFile, 'utf8');
  await waitFor(async () => expect(await log()).toContain('holds no certificate in PEM'), { timeoutMs: 10_000 });
  expect(await shown()).toBe('keeper');
  const next = await mine.issue('next', '/CN=renewed', ['keeper.test']);
  await copyFile(next.key, server.key);
  await copyFile(next.cert, join(mine.dir, 'server.pem'));
  await waitFor(async () => expect(await shown()).toBe('renewed'), { timeoutMs: 10_000 });
  // Who is connected stays so.
  connection.send({ op: 'exists', args: { path: '/zookeeper', watch: false } });
  expect(await connection.replies()).toMatchObject([{ err: 0 }]);
  await writeFile(server.cert, cert);
  await writeFile(server.key, key);
  connection.destroy();
});
