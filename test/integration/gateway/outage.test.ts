/** NATS goes away behind live connections, and comes back: nothing is lost or doubled. */
import { startTestGateway, type TestGateway } from '../../support/gateway.ts';
import { type PrivateServers, privateServers } from '../../support/servers.ts';
import { type Handshake, WireConnection, type WireRequest } from '../../support/zk-wire/index.ts';

const OPEN_ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];
let own: PrivateServers;
let gateway: TestGateway;

beforeAll(async () => {
  own = await privateServers();
  gateway = await startTestGateway({ servers: own.addresses, logLevel: 'warn' });
}, 60_000);
afterAll(async () => {
  await gateway?.stop();
  await own?.stop();
});

/** As ZooKeeper's clients are: it attaches again when its connection ends, and does not repeat what was unanswered. */
class Client {
  connection!: WireConnection;
  session: Handshake | undefined;
  /** Times that its connection ended. */
  disconnects = 0;

  async connect(): Promise<this> {
    const { sessionId = 0n, password = Buffer.alloc(16) } = this.session ?? {};
    for (;;) {
      const connection = await WireConnection.open(gateway);
      const session = await connection.handshake({ timeoutMs: 40_000, sessionId, password, readOnly: false });
      if (session !== undefined) {
        expect(session.timeoutMs).toBe(40_000);
        this.connection = connection;
        this.session = session;
        return this;
      }
      connection.destroy();
    }
  }

  /** The replies, or undefined when the connection ended before they all came. */
  async ask(...requests: readonly WireRequest[]) {
    this.connection.send(...requests);
    const replies = await this.connection.replies();
    const last = replies.at(-1);
    if (last?.kind === 'reply') return replies.filter((one) => one.kind === 'reply');
    expect(last).toEqual({ kind: 'closed' });
    this.disconnects++;
    await this.connect();
    return undefined;
  }
}

const create = (path: string, flags: number): WireRequest => ({
  op: 'create',
  args: { path, data: Buffer.alloc(0), acl: OPEN_ACL, flags },
});
const sync: WireRequest = { op: 'sync', args: { path: '/' } };
const setData = (path: string, data: string): WireRequest => ({
  op: 'setData',
  args: { path, data: Buffer.from(data), version: -1 },
});
const exists = (path: string, watch = false): WireRequest => ({ op: 'exists', args: { path, watch } });

test('writes, watches and sessions outlive an outage of NATS', async () => {
  const [writer, watcher, idle] = await Promise.all([
    new Client().connect(),
    new Client().connect(),
    new Client().connect(),
  ]);
  await writer.ask(create('/counter', 0), create('/live', 1));
  await idle.ask(create('/idle', 1));
  expect(await watcher.ask(sync, exists('/counter', true), exists('/idle', true))).toMatchObject(
    Array.from({ length: 3 }, () => ({ err: 0 })),
  );
  const sessions = [writer, watcher, idle].map(({ session }) => session?.sessionId);

  let acknowledged = 0;
  let unanswered = 0;
  let done = false;
  let more = () => {};
  const writing = (async () => {
    while (!done) {
      const replies = await writer.ask(setData('/counter', 'x'));
      if (replies === undefined) unanswered++;
      else {
        expect(replies).toMatchObject([{ err: 0 }]);
        acknowledged++;
        more();
      }
    }
  })();
  const writes = (count: number) => {
    const until = acknowledged + count;
    return new Promise<void>((resolve) => {
      more = () => acknowledged >= until && resolve();
    });
  };

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    await writes(20);
    own.nats.kill(signal);
    await own.nats.process.stop();
    await own.nats.restart();
  }
  await writes(20);
  done = true;
  await writing;

  // Nothing acknowledged is lost, and nothing was done twice.
  const [, read] = (await writer.ask(sync, exists('/counter'))) as unknown as { body: { stat: { version: number } } }[];
  expect(read?.body.stat.version).toBeGreaterThanOrEqual(acknowledged);
  expect(read?.body.stat.version).toBeLessThanOrEqual(acknowledged + unanswered);
  // A watch that was set before the outages told of the first write; where the connection was lost, the client knows.
  const heard = await watcher.connection.next();
  expect(heard.kind === 'closed' || (heard.kind === 'event' && heard.path === '/counter')).toBe(true);
  // Ephemeral nodes are there, and sessions are the same.
  expect(await writer.ask(exists('/live'), exists('/idle'))).toMatchObject([{ err: 0 }, { err: 0 }]);
  for (const client of [watcher, idle]) while ((await client.ask(sync)) === undefined);
  expect([writer, watcher, idle].map(({ session }) => session?.sessionId)).toEqual(sessions);
  for (const { connection } of [writer, watcher, idle]) connection.destroy();
}, 120_000);

test('a watch that is armed during an outage tells of what comes after it', async () => {
  const [writer, watcher] = await Promise.all([new Client().connect(), new Client().connect()]);
  await writer.ask(create('/armed', 0));
  await watcher.ask(sync, exists('/armed', true));
  own.nats.kill('SIGKILL');
  await own.nats.restart();
  while ((await writer.ask(setData('/armed', 'y'))) === undefined);
  const heard = await watcher.connection.next();
  if (heard.kind === 'event') expect(heard).toMatchObject({ type: 3, path: '/armed' });
  else {
    // It was disconnected and knows it: setting its watch again tells what it missed.
    expect(heard).toEqual({ kind: 'closed' });
    const relativeZxid = watcher.connection.lastZxid;
    await watcher.connect();
    watcher.connection.send({
      op: 'setWatches',
      args: { relativeZxid, dataWatches: ['/armed'], existWatches: [], childWatches: [] },
    });
    expect((await watcher.connection.replies())[0]).toMatchObject({ kind: 'event', type: 3, path: '/armed' });
  }
  for (const { connection } of [writer, watcher]) connection.destroy();
}, 60_000);
