/** An idle instance: its clients stay connected, its lanes rest. */
import { connectNats } from '@faaskeeper/functions/stores';
import { subjects } from '@faaskeeper/protocol';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { type PrivateServers, privateServers } from '../../support/servers.ts';
import { eventually } from '../../support/stores.ts';

let own: PrivateServers;
let faaskeeper: TestFaaSKeeper;
let nats: Awaited<ReturnType<typeof connectNats>>;

beforeAll(async () => {
  process.env.FAASKEEPER_LANE_REST_MS = '200';
  own = await privateServers();
  const { natsUrl, natsUser, natsPassword } = own.addresses;
  nats = await connectNats({ url: natsUrl, user: natsUser, password: natsPassword, name: 'test' });
  faaskeeper = await startFaaSKeeper({ servers: own.addresses });
}, 120_000);
afterAll(async () => {
  await faaskeeper?.stop();
  await nats?.close();
  await own?.stop();
  delete process.env.FAASKEEPER_LANE_REST_MS;
});

async function stream(name: string): Promise<{ consumer_count: number } | undefined> {
  const answer = await nats.request(`$JS.API.STREAM.INFO.${name}`);
  return answer.json<{ state?: { consumer_count: number } }>().state;
}

async function atRest(): Promise<void> {
  const { request, log } = subjects(faaskeeper.spec.id).streams;
  await eventually(async () => (await stream(request)) === undefined && (await stream(log))?.consumer_count === 0);
}

async function batches(): Promise<number> {
  const metrics = await (await fetch(`${faaskeeper.urls.trigger}/metrics`)).text();
  const counts = metrics.matchAll(/^faaskeeper_batch_messages_count\{.*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

test('what is written after a rest is answered and seen, again and again', async () => {
  const [writer, reader] = await Promise.all([faaskeeper.connect(), faaskeeper.connect()]);
  await writer.create('/node');
  for (let round = 0; round < 3; round++) {
    await atRest();
    const seen = new Promise((resolve) => void reader.addWatch('/node', 'PERSISTENT', resolve));
    await atRest();
    await writer.setData('/node', `round ${round}`);
    await seen;
    const { data } = await reader.getData('/node');
    expect(Buffer.from(data ?? []).toString()).toBe(`round ${round}`);
  }
});

test('a trigger that takes over what rests invokes nothing, and serves the next request', async () => {
  const client = await faaskeeper.connect();
  await client.create('/before');
  await atRest();
  const { trigger } = faaskeeper.processes!;
  trigger.kill('SIGKILL');
  await trigger.restart();
  const { id } = faaskeeper.spec;
  await eventually(async () => {
    const metrics = await (await fetch(`${faaskeeper.urls.trigger}/metrics`)).text();
    return new RegExp(`^faaskeeper_instance_owned\\{.*"${id}".*\\} 1$`, 'm').test(metrics);
  }, 100);
  expect(await stream(subjects(id).streams.request)).toBeUndefined();
  expect(await batches()).toBe(0);
  await client.create('/after');
  expect(await client.exists('/after')).not.toBeNull();
});
