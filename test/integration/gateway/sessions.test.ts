/** Sessions over the wire: opened, attached elsewhere, outliving their gateway. */
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type ConnectArguments, type Handshake, WireConnection } from '../../support/zk-wire/index.ts';

const OPEN_ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway?.stop());

async function open(args?: ConnectArguments): Promise<{ connection: WireConnection; session: Handshake | undefined }> {
  const connection = await WireConnection.open(gateway);
  return { connection, session: await connection.handshake(args) };
}

const again = ({ sessionId, password }: Handshake): ConnectArguments => ({ sessionId, password, readOnly: false });

test('an old client gets an answer without the read-only byte, and the timeout is clamped', async () => {
  const old = await open({ timeoutMs: 1 });
  const young = await open({ timeoutMs: 1_000_000, readOnly: true });
  expect([old.session?.bytes, young.session?.bytes]).toEqual([36, 37]);
  expect([old.session?.timeoutMs, young.session?.timeoutMs]).toEqual([4_000, 40_000]);
  old.connection.destroy();
  young.connection.destroy();
});

test('an unknown session and a wrong password get no session, and harm none', async () => {
  const { connection, session } = await open();
  for (const args of [
    { sessionId: 0x1000_0000_0000_0001n, password: Buffer.alloc(16) },
    { sessionId: session!.sessionId, password: Buffer.alloc(16, 7) },
    { sessionId: session!.sessionId, password: Buffer.alloc(3) },
  ]) {
    const refused = await open({ ...args, readOnly: false });
    expect(refused.session).toMatchObject({ timeoutMs: 0, sessionId: 0n, password: Buffer.alloc(16) });
    expect(await refused.connection.next()).toEqual({ kind: 'closed' });
  }
  connection.send({ op: 'exists', args: { path: '/', watch: false } });
  expect(await connection.replies()).toMatchObject([{ kind: 'reply', err: 0 }]);
  connection.destroy();
});

test('a session that is attached elsewhere leaves its earlier connection, with its ephemeral nodes', async () => {
  const { connection, session } = await open();
  connection.send({ op: 'create', args: { path: '/moved', data: Buffer.from('x'), acl: OPEN_ACL, flags: 1 } });
  await connection.replies();
  const second = await open(again(session!));
  expect(second.session).toMatchObject({ sessionId: session!.sessionId, password: session!.password });
  expect(await connection.next()).toEqual({ kind: 'closed' });
  second.connection.send({ op: 'exists', args: { path: '/moved', watch: false } }, { op: 'closeSession', args: {} });
  expect(await second.connection.replies()).toMatchObject([{ err: 0 }, { err: 0 }]);
  expect(await second.connection.next()).toEqual({ kind: 'closed' });
  const other = await open();
  other.connection.send({ op: 'sync', args: { path: '/' } }, { op: 'exists', args: { path: '/moved', watch: false } });
  expect(await other.connection.replies()).toMatchObject([{ err: 0 }, { err: -101 }]);
  other.connection.destroy();
});

test('a client that has seen more than there is gets no answer', async () => {
  const { connection, session } = await open({ lastZxidSeen: 1n << 40n });
  expect(session).toBeUndefined();
  connection.destroy();
});

test('a killed gateway loses nothing: the session, its watches and its nodes go on at the next one', async () => {
  const { connection, session } = await open();
  connection.send(
    { op: 'create', args: { path: '/lasting', data: Buffer.from('1'), acl: OPEN_ACL, flags: 1 } },
    { op: 'getData', args: { path: '/lasting', watch: true } },
  );
  const seen = await connection.replies();
  expect(seen).toMatchObject([{ err: 0 }, { err: 0 }]);
  gateway.process.kill('SIGKILL');
  expect(await connection.next()).toEqual({ kind: 'closed' });
  await gateway.process.restart();
  const changed = await open();
  changed.connection.send({ op: 'setData', args: { path: '/lasting', data: Buffer.from('2'), version: 0 } });
  await changed.connection.replies();
  const back = await open({ ...again(session!), lastZxidSeen: connection.lastZxid });
  expect(back.session?.sessionId).toBe(session!.sessionId);
  const none = { existWatches: [], childWatches: [] };
  back.connection.send({
    op: 'setWatches',
    args: { relativeZxid: connection.lastZxid, dataWatches: ['/lasting'], ...none },
  });
  expect(await back.connection.replies()).toMatchObject([
    { kind: 'event', type: 3, path: '/lasting', zxid: -1n },
    { kind: 'reply', op: 'setWatches', err: 0 },
  ]);
  back.connection.destroy();
  changed.connection.destroy();
});
