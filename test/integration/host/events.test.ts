import { randomBytes } from 'node:crypto';
import { connectNats } from '@faaskeeper/functions/stores';
import {
  decode,
  encode,
  OPEN_ACL_UNSAFE,
  type SealedMessage,
  type SessionMessage,
  sessionToken,
  subjects,
  unseal,
} from '@faaskeeper/protocol';
import { EVENT_TYPES, type RequestsAnswer } from '../../../functions/core/invocations.ts';
import { waitFor } from '../../../operator/servers/index.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { TEST_FUNCTION_TOKEN } from '../../support/functions.ts';
import { servers } from '../../support/servers.ts';

let faaskeeper: TestFaaSKeeper;
let id: string;
beforeAll(async () => {
  faaskeeper = await startFaaSKeeper();
  id = faaskeeper.spec.id;
}, 60_000);
afterAll(() => faaskeeper?.stop());

const headers = (over: Record<string, string> = {}): Record<string, string> => ({
  authorization: `Bearer ${TEST_FUNCTION_TOKEN}`,
  'content-type': 'application/msgpack',
  'ce-specversion': '1.0',
  'ce-id': randomBytes(8).toString('hex'),
  'ce-type': EVENT_TYPES.requests,
  'ce-source': '/test',
  'ce-subject': id,
  ...over,
});

function post(body: Uint8Array, over: Record<string, string> = {}): Promise<Response> {
  return fetch(faaskeeper.urls.writer, { method: 'POST', headers: headers(over), body: new Uint8Array(body) });
}

const batch = (...requests: { subject: string; payload: Uint8Array }[]) => encode({ watermark: 0, requests });

async function problem(response: Promise<Response>): Promise<unknown> {
  const answer = await response;
  return { http: answer.status, ...((await answer.json()) as object) };
}

test('malformed events are refused with the reason', async () => {
  const good = batch();
  expect(await problem(post(encode('no batch')))).toMatchObject({ http: 400, type: 'bad-event' });
  expect(await problem(post(new Uint8Array([0xc1])))).toMatchObject({ http: 400, type: 'bad-event' });
  expect(await problem(post(good, { 'ce-type': EVENT_TYPES.sweep }))).toMatchObject({ http: 400 });
  expect(await problem(post(good, { 'ce-specversion': '2.0' }))).toMatchObject({ http: 400 });
  expect(await problem(post(good, { 'ce-subject': 'nosuchinstance' }))).toMatchObject({
    http: 404,
    type: 'unknown-instance',
  });
  expect(await problem(post(good, { 'ce-subject': '../../etc' }))).toMatchObject({ http: 404 });
  expect(await problem(post(good, { authorization: 'Bearer nearly' }))).toMatchObject({ http: 401 });
});

test('structured mode is understood as well', async () => {
  const { authorization } = headers();
  const event = {
    specversion: '1.0',
    id: '1',
    type: EVENT_TYPES.requests,
    source: '/test',
    subject: id,
    datacontenttype: 'application/msgpack',
    data_base64: Buffer.from(batch()).toString('base64'),
  };
  const response = await fetch(faaskeeper.urls.writer, {
    method: 'POST',
    headers: { authorization: authorization ?? '', 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify(event),
  });
  expect(response.status).toBe(200);
  expect(decode(new Uint8Array(await response.arrayBuffer()))).toMatchObject({ sessions: [] });
});

test('batches that are posted twice, in parallel and out of order change nothing and get their first answers', async () => {
  const { natsUrl: url, natsUser: user, natsPassword: password } = servers();
  const nats = await connectNats({ url, user, password, name: 'events-test' });
  try {
    const names = subjects(id);
    const nonce = randomBytes(16);
    const key = randomBytes(32);
    const received: SealedMessage[] = [];
    nats.subscribe(names.session(sessionToken(nonce)), {
      callback: (_, { data }) => {
        const message = decode(data) as SessionMessage;
        if (message.type === 'sealed') received.push(decode(unseal(key, message.body)) as SealedMessage);
      },
    });
    await nats.flush();
    const open = batch({
      subject: names.request('new'),
      payload: encode({ type: 'createSession', nonce, key, timeout: 10_000 }),
    });
    const answers = await Promise.all([post(open), post(open), post(open)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const tickets = await Promise.all(
      answers.map(async (answer) => (decode(new Uint8Array(await answer.arrayBuffer())) as RequestsAnswer).sessions),
    );
    const session = tickets.flat()[0]?.id ?? 0;
    expect(new Set(tickets.flat().map((ticket) => ticket.id))).toEqual(new Set([session]));
    await waitFor(async () => expect(received).toHaveLength(3), { timeoutMs: 10_000 });
    const opened = received.map((message) => (message.type === 'opened' ? message : undefined));
    expect(new Set(opened.map((message) => message?.session))).toEqual(new Set([session]));

    const create = { type: 'create', path: '/n-', data: null, acl: OPEN_ACL_UNSAFE, mode: 'PERSISTENT_SEQUENTIAL' };
    const request = (first: number) => ({
      subject: names.request(session),
      payload: encode({
        type: 'requests',
        session,
        generation: 1,
        password: opened[0]?.password,
        first,
        lowest: 1,
        operations: [create],
      }),
    });
    received.length = 0;
    const batches = [
      batch(request(2)),
      batch(request(1)),
      batch(request(1), request(2)),
      batch(request(2), request(1)),
    ];
    await Promise.all([...batches, ...batches].map((body) => post(body)));
    await Promise.all(batches.map((body) => post(body)));
    const client = await faaskeeper.connect();
    await client.sync('/');
    const { children } = await client.getChildren('/').then((found) => ({ children: found as unknown as string[] }));
    expect([...children].filter((name) => name.startsWith('n-')).sort()).toEqual(['n-0000000000', 'n-0000000001']);
    const results = received.flatMap((message) => (message.type === 'replies' ? message.replies : []));
    for (const number of [1, 2]) {
      const paths = results
        .filter((reply) => reply.number === number)
        .map((reply) => (reply.result as { path: string }).path);
      expect(new Set(paths)).toEqual(new Set([`/n-000000000${number - 1}`]));
    }
  } finally {
    await nats.close();
  }
});
