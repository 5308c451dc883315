/** Every way into the running system: what does not belong there stops nobody, and the next good request is done. */
import { randomBytes } from 'node:crypto';
import type { FaaSKeeper } from '@faaskeeper/client';
import { connectNats } from '@faaskeeper/functions/stores';
import { encode, INSTANCES_BUCKET, subjects } from '@faaskeeper/protocol';
import { EVENT_TYPES } from '../../../functions/core/invocations.ts';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { TEST_FUNCTION_TOKEN } from '../../support/functions.ts';
import { type Fuzz, fuzz } from '../../support/fuzz.ts';
import { servers, uniqueId } from '../../support/servers.ts';
import { eventually } from '../../support/stores.ts';

let faaskeeper: TestFaaSKeeper;
let client: FaaSKeeper;
let nats: Awaited<ReturnType<typeof connectNats>>;
let names: ReturnType<typeof subjects>;

beforeAll(async () => {
  faaskeeper = await startFaaSKeeper();
  client = await faaskeeper.connect({ sessionTimeout: 20_000 });
  const { natsUrl: url, natsUser: user, natsPassword: password } = servers();
  nats = await connectNats({ url, user, password, name: 'fuzz' });
  names = subjects(faaskeeper.spec.id);
}, 60_000);

afterAll(async () => {
  await nats?.close();
  await faaskeeper?.stop();
}, 30_000);

/** A write that everyone can see, through the lanes that were just fed with nonsense. */
async function expectAlive(): Promise<void> {
  const path = await client.create('/alive-', 'data', { mode: 'PERSISTENT_SEQUENTIAL' });
  await client.sync('/');
  expect(await client.exists(path)).not.toBeNull();
}

const INVOCATIONS: Readonly<Record<string, unknown>> = {
  [EVENT_TYPES.requests]: { watermark: 0, requests: [{ subject: 'x', payload: new Uint8Array(3) }] },
  [EVENT_TYPES.transactions]: { messages: [] },
  [EVENT_TYPES.suspects]: { sessions: [] },
  [EVENT_TYPES.sweep]: { forget: [], timed: false },
  [EVENT_TYPES.changes]: { registration: 'none', events: [] },
};

const FUNCTIONS = ['writer', 'distributor', 'heartbeat', 'watch'] as const;

function header(random: Fuzz, right: string): string {
  return random.chance(0.7) ? right : random.pick(['', '0', 'x'.repeat(300), '../..', '{}', 'application/json']);
}

test('CloudEvents of any kind are answered, each function with a status of its table', async () => {
  await fuzz(60, async (random) => {
    const type = random.pick(Object.keys(INVOCATIONS));
    const valid = encode(INVOCATIONS[type]);
    const body = random.chance(0.5) ? random.mutated(valid) : encode(random.changed(INVOCATIONS[type]));
    const response = await fetch(faaskeeper.urls[random.pick(FUNCTIONS)], {
      method: 'POST',
      headers: {
        authorization: `Bearer ${header(random, TEST_FUNCTION_TOKEN)}`,
        'content-type': header(random, 'application/msgpack'),
        'ce-specversion': header(random, '1.0'),
        'ce-id': header(random, '1'),
        'ce-type': header(random, type),
        'ce-source': header(random, '/fuzz'),
        'ce-subject': header(random, faaskeeper.spec.id),
      },
      body: Buffer.from(body),
    });
    const answer = await response.text();
    // A problem of the table, and never one of ours.
    if (response.status === 200) return;
    expect(JSON.parse(answer)).toMatchObject({ status: response.status });
    expect([400, 401, 404]).toContain(response.status);
  });
  await expectAlive();
}, 60_000);

test('what is published to any subject of an instance stops neither its lanes nor its clients', async () => {
  const { sessionId } = client;
  const targets = [
    names.request('new'),
    names.request(sessionId),
    names.systemRequest,
    names.beat(sessionId),
    names.watermark,
    names.system.watermark,
    `fk.${faaskeeper.spec.id}.out.c.alive`,
    `fk.${faaskeeper.spec.id}.beat.none`,
    `fk.${faaskeeper.spec.id}.req.${randomBytes(4).toString('hex')}`,
  ];
  const watched = await client.create('/alive', 'watched');
  await client.getData(watched, { watch: true });
  const messages: readonly unknown[] = [
    {
      type: 'requests',
      session: sessionId,
      generation: 1,
      password: randomBytes(16),
      first: 1,
      lowest: 1,
      operations: [{}],
    },
    { type: 'createSession', nonce: randomBytes(16), key: randomBytes(32), timeout: 1 },
    { generation: 1, password: randomBytes(16), id: 1 },
    { zxid: 1, previous: 0, entries: null },
    { path: '/alive', changes: [] },
  ];
  await fuzz(300, (random) => {
    const message = random.pick(messages);
    const payload = random.chance(0.5) ? random.mutated(encode(message)) : encode(random.changed(message));
    nats.publish(random.pick(targets), payload);
  });
  await nats.flush();
  await expectAlive();
  expect((await client.setData(watched, 'changed')).version).toBe(1);
  await client.sync(watched);
  expect(new TextDecoder().decode((await client.getData(watched)).data ?? undefined)).toBe('changed');
}, 60_000);

test('documents in the registry that declare nothing are passed over, and the next good one is served', async () => {
  const bucket = await nats.jetstream().views.kv(INSTANCES_BUCKET, { bindOnly: true });
  const ids: string[] = [];
  await fuzz(20, async (random) => {
    const id = uniqueId('z');
    ids.push(id);
    const document = JSON.stringify(random.changed({ ...faaskeeper.spec, id }));
    await bucket.put(id, random.chance(0.3) ? random.bytes(50) : (document ?? ''));
  });
  try {
    await using another = await startFaaSKeeper();
    const other = await another.connect();
    await other.create('/served');
    await eventually(async () => (await other.exists('/served')) !== null);
    await expectAlive();
  } finally {
    for (const id of ids) await bucket.delete(id);
  }
}, 60_000);
