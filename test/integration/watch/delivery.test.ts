import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTP } from 'cloudevents';
import { waitFor } from '../../../operator/servers/index.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';

let faaskeeper: TestFaaSKeeper;
let sink: Server;
let url: string;
let received: { type: string; subject: string; zxid: number; id: string; source: string; registration: string }[];
/** Status of the next answers; 204 when there are none left. `null` cuts the connection. */
let answers: (number | null)[];

beforeAll(async () => {
  faaskeeper = await startFaaSKeeper();
}, 60_000);
afterAll(() => faaskeeper?.stop());

beforeEach(async () => {
  received = [];
  answers = [];
  sink = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const answer = answers.length > 0 ? answers.shift() : 204;
      if (answer === null || answer === undefined) return void request.socket.destroy();
      if (answer === 204) {
        const event = HTTP.toEvent<object>({ headers: request.headers, body });
        const one = Array.isArray(event) ? event[0] : event;
        const { type, subject, id, source } = one as { type: string; subject: string; id: string; source: string };
        received.push({ type, subject, id, source, zxid: Number(one?.zxid), registration: String(one?.registration) });
      }
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/hook`;
});

afterEach(() => {
  sink.close();
  sink.closeAllConnections();
});

test('the changes of a registered node come in order, also when the sink fails in between', async () => {
  const client = await faaskeeper.connect();
  await client.create('/watched', 'one');
  const { id: registration } = await client.register('/watched', 'data', url);
  answers = [500, null, 429];
  for (let i = 0; i < 5; i++) await client.setData('/watched', String(i));
  await client.delete('/watched');
  await waitFor(async () => expect(new Set(received.map(({ id }) => id)).size).toBe(6), { timeoutMs: 40_000 });
  const zxids = received.map(({ zxid }) => zxid);
  expect(zxids).toEqual([...zxids].sort((a, b) => a - b));
  expect(received.map(({ type }) => type)).toEqual([
    ...Array.from({ length: 5 }, () => 'io.faaskeeper.node.data-changed'),
    'io.faaskeeper.node.deleted',
  ]);
  expect(received[0]).toMatchObject({ source: `/faaskeeper/${faaskeeper.spec.id}`, subject: '/watched', registration });
});

test('what a sink refuses is left behind, what follows is delivered', async () => {
  const client = await faaskeeper.connect();
  await client.create('/refused');
  await client.register('/refused', 'recursive', url);
  answers = [410];
  await client.setData('/refused', 'x');
  await client.create('/refused/child');
  await waitFor(async () => expect(received.length).toBeGreaterThanOrEqual(1), { timeoutMs: 30_000 });
  expect(received.map(({ type, subject }) => [type, subject])).toContainEqual([
    'io.faaskeeper.node.created',
    '/refused/child',
  ]);
  expect(received.map(({ type }) => type)).not.toContain('io.faaskeeper.node.data-changed');
});

test('after unregister nothing more comes', async () => {
  const client = await faaskeeper.connect();
  await client.create('/short');
  const { id } = await client.register('/short', 'data', url);
  await client.setData('/short', 'x');
  await waitFor(async () => expect(received).toHaveLength(1), { timeoutMs: 30_000 });
  await client.unregister('/short', id);
  const { id: other } = await client.register('/short', 'data', url);
  await client.setData('/short', 'y');
  await waitFor(async () => expect(received.map(({ registration }) => registration)).toContain(other), {
    timeoutMs: 30_000,
  });
  expect(received.map(({ registration }) => registration)).toEqual([id, other]);
});
