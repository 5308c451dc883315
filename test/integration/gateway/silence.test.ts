/** Clients that say nothing, read nothing or never begin: none of them keeps a session or memory for long. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type Incoming, WireConnection, type WireRequest } from '../../support/zk-wire/index.ts';

const OPEN_ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
/** ms; the least that the instance of these tests grants. */
const TIMEOUT = 3_000;
let gateway: TestGateway;
let witness: WireConnection;

beforeAll(async () => {
  gateway = await startTestGateway({ instance: { sessions: { minTimeout: TIMEOUT, maxTimeout: 40_000 } } });
  witness = await open(40_000);
});
afterAll(async () => {
  witness?.destroy();
  await gateway?.stop();
});

async function open(timeoutMs: number): Promise<WireConnection> {
  const connection = await WireConnection.open(gateway);
  expect((await connection.handshake({ timeoutMs, readOnly: false }))?.timeoutMs).toBe(timeoutMs);
  return connection;
}

const create = (path: string, flags: number, data = ''): WireRequest => ({
  op: 'create',
  args: { path, data: Buffer.from(data), acl: OPEN_ACL, flags },
});

async function ask(connection: WireConnection, ...requests: readonly WireRequest[]): Promise<Incoming[]> {
  connection.send(...requests);
  return connection.replies();
}

const getLarge: WireRequest = { op: 'getData', args: { path: '/large', watch: false } };

/** The witness is told when the node goes. */
async function watchNode(path: string): Promise<void> {
  expect(
    await ask(witness, { op: 'sync', args: { path } }, { op: 'exists', args: { path, watch: true } }),
  ).toMatchObject([{ err: 0 }, { err: 0 }]);
}

test('a client that is silent for its session timeout loses its session, one that pings keeps it', async () => {
  const [silent, talking] = await Promise.all([open(TIMEOUT), open(TIMEOUT)]);
  await ask(silent, create('/silent', 1));
  await ask(talking, create('/talking', 1));
  await watchNode('/silent');
  const pinging = setInterval(() => talking.send({ op: 'ping', args: {} }), TIMEOUT / 3);
  const since = performance.now();
  expect(await silent.next()).toEqual({ kind: 'closed' });
  expect(performance.now() - since).toBeGreaterThan(TIMEOUT - 100);
  expect(await witness.next()).toMatchObject({ kind: 'event', type: 2, path: '/silent' });
  clearInterval(pinging);
  expect(await ask(talking, { op: 'exists', args: { path: '/talking', watch: false } })).toMatchObject(
    expect.arrayContaining([expect.objectContaining({ op: 'exists', err: 0 })]),
  );
  talking.destroy();
});

test('bytes that make no request are silence', async () => {
  const trickle = await open(TIMEOUT);
  trickle.sendBytes(Buffer.from('00000400', 'hex'));
  const dripping = setInterval(() => trickle.sendBytes(Buffer.from('00', 'hex')), 500);
  expect(await trickle.next()).toEqual({ kind: 'closed' });
  clearInterval(dripping);
});

test('a client that asks for much and takes none of it loses its session, too', async () => {
  await ask(witness, create('/large', 0, 'x'.repeat(500_000)));
  const gone = await open(TIMEOUT);
  await ask(gone, create('/gone', 1));
  await watchNode('/gone');
  // More than the sockets hold, and less than a gateway keeps: it stops reading from this client.
  gone.pause();
  gone.send(...Array.from({ length: 110 }, () => getLarge));
  const pinging = setInterval(() => gone.send({ op: 'ping', args: {} }), 200);
  expect(await witness.next()).toMatchObject({ kind: 'event', type: 2, path: '/gone' });
  clearInterval(pinging);
  gone.destroy();
});

test('a slow reader that takes its replies in the end gets all of them', async () => {
  const slow = await open(40_000);
  slow.pause();
  const requests = Array.from({ length: 60 }, () => getLarge);
  slow.send(...requests);
  // Others are served meanwhile.
  expect(await ask(witness, { op: 'sync', args: { path: '/' } })).toMatchObject([{ err: 0 }]);
  slow.resume();
  const replies = await slow.replies();
  expect(replies.map((reply) => reply.kind === 'reply' && (reply.body.data as Buffer).length)).toEqual(
    requests.map(() => 500_000),
  );
  slow.destroy();
});

test('a connection that never sends its connect request is closed', async () => {
  const socket = connect(gateway.port, gateway.host);
  socket.resume();
  await once(socket, 'close');
});
