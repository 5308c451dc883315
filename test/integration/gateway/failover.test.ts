/** Two gateways of one instance: sessions move between them, and outlive either. */
import { type GatewayAddress, startTestGateway, type TestGateway } from '../../support/gateway.ts';
import {
  type ConnectArguments,
  type Handshake,
  type Incoming,
  WireConnection,
  type WireRequest,
} from '../../support/zk-wire/index.ts';

const OPEN_ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
const SESSIONS = 5;
let gateway: TestGateway;
let first: GatewayAddress;
let second: GatewayAddress;

beforeAll(async () => {
  gateway = await startTestGateway({ gateways: 2 });
  [first, second] = gateway.gateways as [GatewayAddress, GatewayAddress];
});
afterAll(() => gateway?.stop());

interface Client {
  readonly connection: WireConnection;
  readonly session: Handshake;
}

async function open(at: GatewayAddress, args: ConnectArguments = {}): Promise<Client> {
  const connection = await WireConnection.open(at);
  const session = await connection.handshake({ readOnly: false, ...args });
  expect(session?.timeoutMs).toBeGreaterThan(0);
  return { connection, session: session! };
}

/** The same session, as a client does it that has lost its connection. */
function moved({ connection, session: { sessionId, password } }: Client, to: GatewayAddress): Promise<Client> {
  return open(to, { sessionId, password, lastZxidSeen: connection.lastZxid });
}

async function ask({ connection }: Client, ...requests: readonly WireRequest[]): Promise<Incoming[]> {
  connection.send(...requests);
  return connection.replies();
}

const create = (path: string, flags: number, data = ''): WireRequest => ({
  op: 'create',
  args: { path, data: Buffer.from(data), acl: OPEN_ACL, flags },
});
const setData = (path: string, data: string, version = -1): WireRequest => ({
  op: 'setData',
  args: { path, data: Buffer.from(data), version },
});
const exists = (path: string, watch = false): WireRequest => ({ op: 'exists', args: { path, watch } });
const sync: WireRequest = { op: 'sync', args: { path: '/' } };
const dataWatches = (client: Client, paths: readonly string[]): WireRequest => ({
  op: 'setWatches2',
  args: {
    relativeZxid: client.connection.lastZxid,
    dataWatches: paths,
    existWatches: [],
    childWatches: [],
    persistentWatches: [],
    persistentRecursiveWatches: [],
  },
});

test('a session that moves after every write does each write once', async () => {
  let client = await open(first);
  await ask(client, create('/counter', 0));
  for (let version = 0; version < 12; version++) {
    const [reply] = await ask(client, setData('/counter', String(version), version));
    expect(reply).toMatchObject({ err: 0, body: { stat: { version: version + 1 } } });
    const left = client;
    client = await moved(client, version % 2 === 0 ? second : first);
    expect(client.session.sessionId).toBe(left.session.sessionId);
    expect(await left.connection.next()).toEqual({ kind: 'closed' });
  }
  // What it wrote, it reads, wherever it is now.
  const [reply] = await ask(client, { op: 'getData', args: { path: '/counter', watch: false } });
  expect(reply).toMatchObject({ err: 0, body: { data: Buffer.from('11'), stat: { version: 12 } } });
  await ask(client, { op: 'closeSession', args: {} });
});

test('requests without an answer when the session moves happen once or not at all', async () => {
  const client = await open(first);
  await ask(client, create('/moving', 0));
  client.connection.send(...Array.from({ length: 50 }, () => create('/moving/n-', 2)));
  const there = await moved(client, second);
  const answered = (await client.connection.replies()).filter(({ kind }) => kind === 'reply');
  const [synced, children] = await ask(there, sync, { op: 'getChildren', args: { path: '/moving', watch: false } });
  expect(synced).toMatchObject({ err: 0 });
  const names = (children as unknown as { body: { children: string[] } }).body.children;
  expect(names.length).toBeGreaterThanOrEqual(answered.length);
  expect(names.toSorted()).toEqual(names.map((_, index) => `n-${String(index).padStart(10, '0')}`));
  await ask(there, { op: 'closeSession', args: {} });
});

test('sessions of a gateway that is killed go on at the other, with their ephemeral nodes and watches', async () => {
  const clients = await Promise.all(Array.from({ length: SESSIONS }, () => open(first)));
  const witness = await open(second);
  await ask(witness, create('/shared', 0), create('/later', 0));
  for (const [index, client] of clients.entries()) {
    const replies = await ask(
      client,
      create(`/own-${index}`, 1),
      sync,
      exists('/shared', true),
      exists('/later', true),
    );
    expect(replies).toMatchObject([{ err: 0 }, { err: 0 }, { err: 0 }, { err: 0 }]);
  }
  first.process.kill('SIGKILL');
  expect(await Promise.all(clients.map(({ connection }) => connection.next()))).toEqual(
    clients.map(() => ({ kind: 'closed' })),
  );
  // While nobody holds them.
  expect(await ask(witness, setData('/shared', 'changed'))).toMatchObject([{ err: 0 }]);
  const again = await Promise.all(clients.map((client) => moved(client, second)));
  expect(again.map(({ session }) => session.sessionId)).toEqual(clients.map(({ session }) => session.sessionId));
  for (const [index, client] of again.entries()) {
    client.connection.lastZxid = clients[index]!.connection.lastZxid;
    expect(await ask(client, dataWatches(client, ['/shared', '/later']))).toMatchObject([
      { kind: 'event', type: 3, path: '/shared', zxid: -1n },
      { op: 'setWatches2', err: 0 },
    ]);
  }
  await ask(witness, setData('/later', 'changed'));
  for (const [index, client] of again.entries()) {
    expect(await client.connection.next()).toMatchObject({ kind: 'event', type: 3, path: '/later' });
    expect(await ask(witness, exists(`/own-${index}`))).toMatchObject([{ err: 0 }]);
    await ask(client, { op: 'closeSession', args: {} });
    expect(await ask(witness, sync, exists(`/own-${index}`))).toMatchObject([{ err: 0 }, { err: -101 }]);
  }
  witness.connection.destroy();
  await first.process.restart();
});

test('a session that nobody takes over after its gateway was killed expires', async () => {
  const client = await open(first, { timeoutMs: 4_000 });
  const witness = await open(second);
  await ask(client, create('/orphan', 1));
  expect(await ask(witness, sync, exists('/orphan', true))).toMatchObject([{ err: 0 }, { err: 0 }]);
  first.process.kill('SIGKILL');
  expect(await witness.connection.next()).toMatchObject({ kind: 'event', type: 2, path: '/orphan' });
  const late = await WireConnection.open(second);
  const { sessionId, password } = client.session;
  expect(await late.handshake({ sessionId, password, readOnly: false })).toMatchObject({ timeoutMs: 0, sessionId: 0n });
  for (const connection of [late, witness.connection]) connection.destroy();
  await first.process.restart();
});
