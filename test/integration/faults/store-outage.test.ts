/** User storage goes away and comes back: reads wait for it, and whoever looks is told why. */
import { readFile } from 'node:fs/promises';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';
import { startTestGateway } from '../../support/gateway.ts';
import { type PrivateServers, privateServers } from '../../support/servers.ts';
import { eventually } from '../../support/stores.ts';
import { WireConnection } from '../../support/zk-wire/index.ts';

let own: PrivateServers;
beforeAll(async () => {
  own = await privateServers();
}, 60_000);
afterAll(() => own?.stop());

test('a call whose time is over says what it waited for', async () => {
  await using faaskeeper = await startFaaSKeeper({ servers: own.addresses, logLevel: 'warn' });
  await using client = await faaskeeper.connect({ cache: false });
  await client.create('/a', 'here');
  await client.getData('/a');
  own.s3.kill('SIGKILL');
  await own.s3.process.stop();
  const about = (path: string) => ({ code: 'OperationTimeout', path, session: client.sessionId });
  const read = client.getData('/a', { timeout: 600 });
  const behind = client.create('/b', null, { timeout: 300 });
  await expect(behind).rejects.toMatchObject({
    ...about('/b'),
    message: expect.stringContaining('No answer for /b within 300 ms: calls before it have no answer'),
  });
  await expect(read).rejects.toMatchObject({
    ...about('/a'),
    message: expect.stringContaining('No answer for /a within 600 ms: the node could not be read'),
    cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
  });
  // Not on the way of a write, but on that of who wants to see it.
  await client.setData('/a', 'changed');
  const seen = client.sync('/', { timeout: 300 });
  await expect(seen).rejects.toMatchObject({ message: expect.stringMatching(/zxid \d+ is done, but not visible yet/) });
  await own.s3.restart();
  expect((await client.getData('/a')).data).toEqual(new Uint8Array(Buffer.from('changed')));
}, 60_000);

test('the gateway tells of reads that fail, in its log and its metrics', async () => {
  await using gateway = await startTestGateway({ servers: own.addresses, logLevel: 'warn' });
  const failed = async () => {
    const metrics = await (await fetch(`http://${gateway.host}:${gateway.adminPort}/metrics`)).text();
    return Number(/^faaskeeper_gateway_failed_reads\{.*\} (\d+)$/m.exec(metrics)?.[1]);
  };
  const connection = await WireConnection.open(gateway);
  await connection.handshake({ timeoutMs: 40_000, sessionId: 0n, password: Buffer.alloc(16), readOnly: false });
  connection.send({ op: 'exists', args: { path: '/', watch: false } });
  expect(await connection.replies()).toMatchObject([{ err: 0 }]);
  expect(await failed()).toBe(0);
  own.s3.kill('SIGKILL');
  await own.s3.process.stop();
  connection.send({ op: 'exists', args: { path: '/unread', watch: false } });
  await eventually(async () => (await failed()) > 1);
  expect(await readFile(gateway.process.logFile, 'utf8')).toMatch(/"path":"\/unread","reason":"[^"]*ECONNREFUSED/);
  await own.s3.restart();
  expect(await connection.replies()).toMatchObject([{ err: -101 }]);
  connection.destroy();
}, 60_000);
