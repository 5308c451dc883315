import { declareStreams, type LaneInput, type OpenStores } from '@faaskeeper/functions/stores';
import { type InstanceSpec, subjects } from '@faaskeeper/protocol';
import { bytes } from '../../contracts/bytes.ts';
import { describeLaneContract, type LaneUnderTest, take, texts } from '../../contracts/lane.ts';
import { privateServers, servers, uniqueId } from '../../support/servers.ts';
import { eventually, openTestStores } from '../../support/stores.ts';

let shared: OpenStores;
beforeAll(async () => {
  shared = await openTestStores(servers());
});
afterAll(() => shared.close());

async function lanesOn(stores: OpenStores, input: LaneInput): Promise<LaneUnderTest & { spec: InstanceSpec }> {
  const spec = await declareStreams(stores.nats, { id: uniqueId(), storagePrefix: 'unused/' });
  const { log, notifications } = stores.instance(spec);
  let sent = 0;
  let appending: Promise<unknown> = Promise.resolve();
  return {
    spec,
    source: () => stores.lane(spec, input),
    async send(payload) {
      if (input === 'log') {
        const expected = sent++;
        appending = appending.then(() => log.append(payload, expected));
        await appending;
        return expected + 1;
      } else if (input === 'request') {
        notifications.publish(subjects(spec.id).request(1), payload);
        await notifications.flush();
      } else {
        await notifications.store(subjects(spec.id).sink(input.sink), payload, String(sent++));
      }
      return;
    },
  };
}

/** Up to which sequence the lane's consumer has acknowledgements: they are sent together, a little later. */
async function acknowledged({ nats }: OpenStores, { id }: InstanceSpec, input: LaneInput): Promise<number | undefined> {
  const { streams } = subjects(id);
  const manager = await nats.jetstreamManager();
  const [consumer] = await manager.consumers.list(input === 'log' ? streams.log : streams.sink).next();
  return consumer?.ack_floor.stream_seq;
}

describeLaneContract('requests', () => lanesOn(shared, 'request'));
describeLaneContract('the log', () => lanesOn(shared, 'log'));
describeLaneContract('changes for a sink', () => lanesOn(shared, { sink: 'r1' }));

test('sinks of one instance have lanes of their own', async () => {
  const { spec } = await lanesOn(shared, 'request');
  const { notifications } = shared.instance(spec);
  for (const [i, sink] of ['a', 'b', 'a'].entries()) {
    await notifications.store(subjects(spec.id).sink(sink), bytes(`${sink}${i}`), String(i));
  }
  const [a, b] = [shared.lane(spec, { sink: 'a' }), shared.lane(spec, { sink: 'b' })];
  await Promise.all([a.open(), b.open()]);
  expect(texts(await take(a, 2))).toEqual(['a0', 'a2']);
  expect(texts(await take(b, 1))).toEqual(['b1']);
  await Promise.all([a.close(), b.close()]);
});

describe('over a restart of the server', () => {
  test('requests sent afterwards arrive in order, though stream and consumer were lost', async () => {
    await using own = await privateServers({ redis: false, s3: false });
    const stores = await openTestStores(own.addresses);
    const { source, spec } = await lanesOn(stores, 'request');
    const lane = source();
    await lane.open();
    const { notifications } = stores.instance(spec);
    const send = (message: string) => notifications.publish(subjects(spec.id).request(1), bytes(message));
    send('before');
    const before = await take(lane, 1);
    own.nats.kill('SIGKILL');
    await own.nats.restart();
    // A client sends again until it is answered.
    let resent = 0;
    const resending = setInterval(() => send(`after ${resent++}`), 50);
    const after = await take(lane, 3);
    clearInterval(resending);
    // The answer to the batch from before comes late: it must not confirm a request from after.
    lane.acknowledge(before[0]!.sequence);
    const numbers = texts(after).map((message) => Number(message!.split(' ')[1]));
    expect(numbers).toEqual([numbers[0], numbers[0]! + 1, numbers[0]! + 2]);
    expect(after[0]!.sequence).toBeGreaterThan(before[0]!.sequence);
    await lane.open();
    expect(texts(await take(lane, 3))).toEqual(expect.arrayContaining(texts(after)));
    await stores.close();
  });

  test.each<[string, LaneInput]>([
    ['the log', 'log'],
    ['a sink', { sink: 'r1' }],
  ])('the lane of %s goes on behind what it gave, without loss or repetition', async (_name, input) => {
    await using own = await privateServers({ redis: false, s3: false });
    const stores = await openTestStores(own.addresses);
    const { source, send, spec } = await lanesOn(stores, input);
    const lane = source();
    await lane.open();
    for (const message of ['a', 'b', 'c']) lane.expect((await send(bytes(message))) ?? 0);
    const taken = await take(lane, 3);
    lane.acknowledge(taken[0]!.sequence);
    await stores.nats.flush();
    own.nats.kill('SIGKILL');
    await own.nats.restart();
    await eventually(() =>
      stores.nats.rtt().then(
        () => true,
        () => false,
      ),
    );
    for (const message of ['d', 'e']) await send(bytes(message));
    expect(texts(await take(lane, 2))).toEqual(['d', 'e']);
    // 'b' and 'c' were given before the restart and are acknowledged after it.
    lane.acknowledge(taken[2]!.sequence);
    await eventually(async () => (await acknowledged(stores, spec, input)) === taken[2]!.sequence);
    const next = source();
    await next.open();
    expect(texts(await take(next, 2))).toEqual(['d', 'e']);
    await Promise.all([lane.close(), next.close()]);
    await stores.close();
  });

  test('a deleted consumer is created anew', async () => {
    const { source, send, spec } = await lanesOn(shared, 'request');
    const lane = source();
    await lane.open();
    await send(bytes('a'));
    await take(lane, 1);
    const manager = await shared.nats.jetstreamManager({ checkAPI: false });
    const { request } = subjects(spec.id).streams;
    for (const { name } of await manager.consumers.list(request).next()) await manager.consumers.delete(request, name);
    await send(bytes('b'));
    expect(texts(await take(lane, 2))).toEqual(['a', 'b']);
    await lane.close();
  });
});
