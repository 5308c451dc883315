/** Instances of the registry: their ports open, change and close with it; TLS names choose among them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNats, declareInstance, removeInstance } from '@faaskeeper/functions/stores';
import type { InstanceSpecInput } from '@faaskeeper/protocol';
import { freePorts, loopback, waitFor } from '../../../operator/servers/index.ts';
import { type Authority, authority } from '../../support/certificates.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { type RegistryGateway, registryGateway } from '../../support/gateway.ts';
import { type PrivateServers, privateServers } from '../../support/servers.ts';
import { storesConfigOf } from '../../support/stores.ts';
import { type Address, WireConnection } from '../../support/zk-wire/index.ts';

let own: PrivateServers;
let mine: Authority;
let faaskeeper: TestFaaSKeeper;
let other: TestFaaSKeeper;
let gateway: RegistryGateway;
let logDir: string;
let sharedPort: number;
let free: number[];

beforeAll(async () => {
  [own, mine] = await Promise.all([privateServers(), authority()]);
  logDir = await mkdtemp(join(tmpdir(), 'faaskeeper-registry-'));
  free = await freePorts(6);
  sharedPort = free.pop()!;
  const server = await mine.issue('server', '/CN=keeper', ['one.test', 'two.test', 'three.test']);
  gateway = await registryGateway(logDir, {
    servers: own.addresses,
    environment: {
      FAASKEEPER_GATEWAY_SECURE_PORT: String(sharedPort),
      FAASKEEPER_TLS_CERT: server.cert,
      FAASKEEPER_TLS_KEY: server.key,
    },
  });
  // There is no registry yet: it serves nobody, and is ready.
  await gateway.process.start();
  faaskeeper = await startFaaSKeeper({ servers: own.addresses });
  other = await startFaaSKeeper({ servers: own.addresses });
}, 90_000);
afterAll(async () => {
  await gateway?.process.stop();
  await faaskeeper?.stop();
  await other?.stop();
  await own?.stop();
  await mine?.[Symbol.asyncDispose]();
  await rm(logDir, { recursive: true, force: true });
});

async function withNats<Result>(work: (nats: Awaited<ReturnType<typeof connectNats>>) => Promise<Result>) {
  const nats = await connectNats({ ...storesConfigOf(own.addresses).nats, name: 'test' });
  try {
    return await work(nats);
  } finally {
    await nats.close();
  }
}

const declare = ({ spec }: TestFaaSKeeper, serve: InstanceSpecInput['gateway']) =>
  withNats((nats) => declareInstance(nats, { ...spec, gateway: serve }));

async function open(address: Omit<Address, 'host'>): Promise<WireConnection> {
  const connection = await WireConnection.open({ host: loopback, ...address });
  if ((await connection.handshake({ readOnly: false })) === undefined) throw new Error('no session');
  return connection;
}

const opened = (address: Omit<Address, 'host'>) => waitFor(() => open(address), { timeoutMs: 20_000 });

/** Resolves when the gateway's log has it. */
async function logged(pattern: string | RegExp): Promise<void> {
  const look = async () => expect(await readFile(gateway.process.logFile, 'utf8')).toMatch(pattern);
  await waitFor(look, { timeoutMs: 10_000 });
}

/** Which of the two it is: each has a node of its own. */
async function holds(connection: WireConnection, path: string): Promise<boolean> {
  connection.send({ op: 'sync', args: { path: '/' } }, { op: 'exists', args: { path, watch: false } });
  const replies = await connection.replies();
  return (replies[1] as { err: number }).err === 0;
}

async function mark(faas: TestFaaSKeeper, path: string): Promise<void> {
  const client = await faas.connect();
  await client.create(path);
  await client.close();
}

function refusesTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, loopback);
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}

const named = async (servername: string | undefined) => ({
  port: sharedPort,
  tls: { ...(await mine.client()), servername: servername ?? '', checkServerIdentity: () => undefined },
});

test('an instance gets its port when it is declared, another when it changes, none when it is gone', async () => {
  const [first, second] = free as [number, number];
  await declare(faaskeeper, { port: first });
  const connection = await opened({ port: first });
  await declare(faaskeeper, { port: second });
  const moved = await opened({ port: second });
  expect(await connection.next()).toEqual({ kind: 'closed' });
  expect(await refusesTcp(first)).toBe(true);
  await declare(faaskeeper, undefined);
  expect(await moved.next()).toEqual({ kind: 'closed' });
  await waitFor(async () => expect(await refusesTcp(second)).toBe(true), { timeoutMs: 10_000 });
});

test('TLS names choose the instance; an unknown or missing one is refused at the handshake', async () => {
  await Promise.all([mark(faaskeeper, '/one'), mark(other, '/two')]);
  await declare(faaskeeper, { serverNames: ['One.test'] });
  await declare(other, { serverNames: ['two.test', 'three.test'] });
  for (const [name, path, not] of [
    ['one.test', '/one', '/two'],
    ['two.test', '/two', '/one'],
    ['THREE.test', '/two', '/one'],
  ] as const) {
    const connection = await opened(await named(name));
    expect([await holds(connection, path), await holds(connection, not)]).toEqual([true, false]);
    connection.destroy();
  }
  await expect(open(await named('four.test'))).rejects.toThrow(/handshake|alert/i);
  await logged(/"serverName":"four\.test".*"no instance here has this/);
  await expect(open(await named(undefined))).rejects.toThrow(/handshake|alert/i);
  await logged('no server name');
});

test('a port that is taken is given when it is free', async () => {
  const port = free[2]!;
  await declare(faaskeeper, { port });
  (await opened({ port })).destroy();
  await declare(other, { port });
  await logged(`is instance ${faaskeeper.spec.id}'s`);
  const still = await open({ port });
  expect(await holds(still, '/one')).toBe(true);
  still.destroy();
  await declare(faaskeeper, undefined);
  const next = await waitFor(
    async () => {
      const connection = await open({ port });
      expect(await holds(connection, '/two')).toBe(true);
      return connection;
    },
    { timeoutMs: 20_000 },
  );
  next.destroy();
});

test('an outage of NATS closes no port, and what changed meanwhile is learnt; it may begin before the gateway', async () => {
  const [, , , port, next] = free as [number, number, number, number, number];
  await declare(faaskeeper, { port });
  await opened({ port });
  await gateway.process.stop();
  await own.nats.process.stop();
  const starting = gateway.process.start();
  await logged('NATS cannot be reached');
  await own.nats.process.start();
  await starting;
  await opened({ port });
  await own.nats.process.stop();
  expect(await refusesTcp(port)).toBe(false);
  await own.nats.process.start();
  await declare(faaskeeper, { port: next });
  (await opened({ port: next })).destroy();
  await withNats((nats) => removeInstance(nats, faaskeeper.spec.id));
  await waitFor(async () => expect(await refusesTcp(next)).toBe(true), { timeoutMs: 20_000 });
});
