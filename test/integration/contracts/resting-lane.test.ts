/** A lane that nothing comes to gives its consumer back, and REQ its stream; nothing is lost when something comes. */
import { declareStreams, type OpenStores } from '@faaskeeper/functions/stores';
import { type InstanceSpec, subjects } from '@faaskeeper/protocol';
import { JetStreamLane, type LaneInput } from '../../../functions/stores/nats/index.ts';
import { bytes, text } from '../../contracts/bytes.ts';
import { describeLaneContract, take, texts } from '../../contracts/lane.ts';
import { privateServers, servers, uniqueId } from '../../support/servers.ts';
import { eventually, openTestStores } from '../../support/stores.ts';

/** So short that lanes rest between any two messages of a test that waits for it. */
const REST_MS = 50;
const ALL = { messages: 1_000, bytes: 8_000_000 };

let shared: OpenStores;
beforeAll(async () => {
  shared = await openTestStores(servers());
});
afterAll(() => shared.close());

async function restingLanes(stores: OpenStores, input: LaneInput) {
  const spec = await declareStreams(stores.nats, { id: uniqueId(), storagePrefix: 'unused/' });
  const { log } = stores.instance(spec);
  let appended = 0;
  const source = () => new JetStreamLane(stores.nats, spec, input, { restAfterMs: REST_MS });
  return {
    spec,
    source,
    async request(message: string) {
      stores.nats.publish(subjects(spec.id).request(1), bytes(message));
      await stores.nats.flush();
    },
    async append(message: string) {
      await log.append(bytes(message), appended++);
      return appended;
    },
  };
}

async function consumersOf(stores: OpenStores, stream: string): Promise<number | undefined> {
  const answer = await stores.nats.request(`$JS.API.STREAM.INFO.${stream}`);
  return answer.json<{ state?: { consumer_count: number } }>().state?.consumer_count;
}

const isResting = (stores: OpenStores, spec: InstanceSpec, input: 'request' | 'log') => {
  const { streams } = subjects(spec.id);
  return eventually(async () => (await consumersOf(stores, streams[input])) === (input === 'log' ? 0 : undefined));
};

/** Takes and acknowledges all that comes; what came twice is seen where it came first. Sequences must grow. */
function drain(lane: JetStreamLane) {
  const seen = new Set<string>();
  const stopping = new AbortController();
  let last = 0;
  const draining = (async () => {
    for (;;) {
      const batch = await lane.next(ALL, stopping.signal);
      for (const { sequence, payload } of batch) {
        if (sequence <= last) throw new Error(`${sequence} came after ${last}`);
        last = sequence;
        seen.add(text(payload) as string);
      }
      lane.acknowledge(last);
    }
  })();
  draining.catch(() => {});
  const stop = async () => {
    stopping.abort(new Error('enough'));
    await expect(draining).rejects.toThrow('enough');
    await lane.close();
  };
  return { seen, stop };
}

describeLaneContract('requests, to a lane that rests whenever it can', async () => {
  const { spec, source } = await restingLanes(shared, 'request');
  const { notifications } = shared.instance(spec);
  return {
    source,
    async send(payload) {
      notifications.publish(subjects(spec.id).request(1), payload);
      await notifications.flush();
    },
  };
});

describe('requests', () => {
  test('the first one after a rest is delivered without a stream, the next ones in order behind it', async () => {
    const { source, spec, request } = await restingLanes(shared, 'request');
    const lane = source();
    await lane.open();
    const { seen, stop } = drain(lane);
    await request('before');
    for (const round of ['a', 'b', 'c']) {
      await isResting(shared, spec, 'request');
      seen.clear();
      const sent = Array.from({ length: 200 }, (_, i) => `${round}${i}`);
      for (const message of sent) shared.nats.publish(subjects(spec.id).request(1), bytes(message));
      await eventually(() => seen.size === sent.length);
      expect([...seen]).toEqual(sent);
    }
    await stop();
  });

  test('what comes while it goes to rest is not lost', async () => {
    const { source, request } = await restingLanes(shared, 'request');
    const lane = source();
    await lane.open();
    const { seen, stop } = drain(lane);
    // Around the moment in which the lane looks whether all is quiet, and deletes.
    for (let i = 0; i < 60; i++) {
      await request(`m${i}`);
      await eventually(() => seen.has(`m${i}`));
      await new Promise((resolve) => setTimeout(resolve, 2 * REST_MS - 10 + (i % 20)));
    }
    await stop();
  });

  test('a batch that is with the writer keeps its stream', async () => {
    const { source, request } = await restingLanes(shared, 'request');
    const lane = source();
    await lane.open();
    await request('a');
    const [a] = await take(lane, 1);
    await new Promise((resolve) => setTimeout(resolve, 6 * REST_MS));
    const next = source();
    await next.open();
    expect(texts(await take(next, 1))).toEqual(['a']);
    lane.acknowledge(a!.sequence);
    await Promise.all([lane.close(), next.close()]);
  });

  test('a new owner of a resting lane rests as well, and both hear what comes', async () => {
    const { source, spec, request } = await restingLanes(shared, 'request');
    const old = source();
    await old.open();
    await isResting(shared, spec, 'request');
    const next = source();
    await next.open();
    expect(await consumersOf(shared, subjects(spec.id).streams.request)).toBeUndefined();
    await request('a');
    expect(texts(await take(next, 1))).toEqual(['a']);
    await old.close();
    await request('b');
    // The old one may have made its consumer first: then the new one is told to ask who the owner is.
    const taken = await take(next, 1).catch((error: Error) => error.name);
    if (Array.isArray(taken)) expect(text(taken.at(-1)!.payload)).toMatch(/[ab]/);
    else expect(taken).toBe('LaneTakenOverError');
    await next.close();
  });

  test('over a restart of NATS it goes on', async () => {
    await using own = await privateServers({ redis: false, s3: false });
    const stores = await openTestStores(own.addresses);
    const { source, spec } = await restingLanes(stores, 'request');
    const lane = source();
    await lane.open();
    await isResting(stores, spec, 'request');
    own.nats.kill('SIGKILL');
    await own.nats.restart();
    // A client sends again until it is answered.
    const sending = setInterval(() => stores.nats.publish(subjects(spec.id).request(1), bytes('again')), 50);
    expect(texts(await take(lane, 1))[0]).toBe('again');
    clearInterval(sending);
    await lane.close();
    await stores.close();
  });
});

describe('the log', () => {
  test('a lane that is told of a message has it, whether it rests or not', async () => {
    const { source, spec, append } = await restingLanes(shared, 'log');
    const lane = source();
    await lane.open();
    for (let i = 0; i < 5; i++) {
      await isResting(shared, spec, 'log');
      lane.expect(await append(`a${i}`));
      const [message] = await take(lane, 1);
      expect(text(message!.payload)).toBe(`a${i}`);
      lane.acknowledge(message!.sequence);
      lane.expect(await append(`b${i}`));
      const [behind] = await take(lane, 1);
      expect(text(behind!.payload)).toBe(`b${i}`);
      lane.acknowledge(behind!.sequence);
    }
    await lane.close();
  });

  test('what is appended while it goes to rest is not lost', async () => {
    const { source, append } = await restingLanes(shared, 'log');
    const lane = source();
    await lane.open();
    for (let i = 0; i < 60; i++) {
      lane.expect(await append(`m${i}`));
      const [message] = await take(lane, 1);
      expect(text(message!.payload)).toBe(`m${i}`);
      lane.acknowledge(message!.sequence);
      await new Promise((resolve) => setTimeout(resolve, REST_MS - 10 + (i % 20)));
    }
    await lane.close();
  });

  test('a new owner rests at once where everything is done, and begins behind what is', async () => {
    const { source, spec, append } = await restingLanes(shared, 'log');
    const old = source();
    await old.open();
    for (const message of ['a', 'b', 'c']) await append(message);
    old.expect(3);
    const batch = await take(old, 3);
    old.acknowledge(3);
    expect(texts(batch)).toEqual(['a', 'b', 'c']);
    await isResting(shared, spec, 'log');
    await old.close();
    const done = source();
    await done.open(3);
    expect(await consumersOf(shared, subjects(spec.id).streams.log)).toBe(0);
    done.expect(await append('d'));
    expect(texts(await take(done, 1))).toEqual(['d']);
    await done.close();
    const behind = source();
    await behind.open(2);
    expect(texts(await take(behind, 1))[0]).toMatch(/[cd]/);
    await behind.close();
  });

  test('a watermark ahead of what LOG holds does not hide what LOG will hold', async () => {
    const { source, append } = await restingLanes(shared, 'log');
    await append('a');
    const lane = source();
    await lane.open(100);
    lane.expect(await append('b'));
    expect(texts(await take(lane, 1))).toEqual(['b']);
    await lane.close();
  });
});
