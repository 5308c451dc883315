import { decode, encode } from '@faaskeeper/protocol';
import type { SinkEvent } from '../../../functions/core/invocations.ts';
import type { Outside } from '../../../functions/core/ports.ts';
import { WATCH, WatchDelivery } from '../../../functions/core/watch/index.ts';
import { ManualClock, settled, steadyRandom } from '../../support/manual-clock.ts';
import { NAMES, SPEC, silentLogger } from '../trigger/fakes.ts';

let clock: ManualClock;
let posted: { url: string; id: string; zxid: unknown }[];
let dead: { subject: string; letter: { reason: string; event: SinkEvent }; id: string }[];
let respond: (zxid: number) => number | Error;
let watch: WatchDelivery;

beforeEach(() => {
  clock = new ManualClock();
  posted = [];
  dead = [];
  respond = () => 204;
  const notifications = {
    store: async (subject: string, payload: Uint8Array, id: string) => {
      dead.push({ subject, letter: decode(payload) as { reason: string; event: SinkEvent }, id });
    },
  };
  const outside = { clock, random: steadyRandom, logger: silentLogger, notifications } as unknown as Outside;
  watch = new WatchDelivery(outside, SPEC, {
    post: async (url, event) => {
      posted.push({ url, id: event.id, zxid: event.extensions.zxid });
      const answer = respond(Number(event.extensions.zxid));
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
});

function change(sequence: number, over: Partial<SinkEvent> = {}): { sequence: number; payload: Uint8Array } {
  const event: SinkEvent = {
    registration: 'r1',
    sink: 'https://sink.test/hook',
    path: '/a',
    kind: 'data',
    zxid: sequence * 10,
    time: 1_700_000_000_000,
    ...over,
  };
  return { sequence, payload: encode(event) };
}

/** The answer, with as much time as it needs. */
async function handle(events: { sequence: number; payload: Uint8Array }[]) {
  const answer = watch.handle({ registration: 'r1', events });
  for (let i = 0; i < 20; i++) await clock.advance(500);
  await settled();
  return answer;
}

test('events are posted one after the other, in order', async () => {
  expect(await handle([change(1), change(2), change(3)])).toEqual({ sequence: 3, retryMs: 0 });
  expect(posted.map(({ zxid }) => zxid)).toEqual([10, 20, 30]);
  expect(new Set(posted.map(({ id }) => id)).size).toBe(3);
});

test('a repetition has the same id', async () => {
  await handle([change(1)]);
  await handle([change(1)]);
  expect(posted[0]?.id).toBe(posted[1]?.id);
});

test('changes of two nodes by one transaction have different ids', async () => {
  await handle([change(1, { path: '/a', zxid: 5 }), change(2, { path: '/b', zxid: 5 })]);
  expect(posted[0]?.id).not.toBe(posted[1]?.id);
});

test('a failure is retried a few times, then the lane is asked to send the rest again, and nothing overtakes', async () => {
  respond = (zxid) => (zxid === 20 ? 500 : 200);
  const answer = await handle([change(1), change(2), change(3)]);
  expect(answer).toEqual({ sequence: 1, retryMs: WATCH.firstPauseMs });
  expect(posted.map(({ zxid }) => zxid)).toEqual([10, 20, 20, 20]);
  respond = () => 200;
  expect(await handle([change(2), change(3)])).toEqual({ sequence: 3, retryMs: 0 });
  expect(dead).toEqual([]);
});

test('the pause between invocations doubles up to its bound', async () => {
  respond = () => new Error('refused');
  const pauses: number[] = [];
  for (let i = 0; i < 4; i++) pauses.push((await handle([change(1)])).retryMs);
  expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000]);
});

test('what the sink refuses becomes a dead letter with the reason, and the next event follows', async () => {
  respond = (zxid) => (zxid === 10 ? 410 : 200);
  expect(await handle([change(1), change(2)])).toEqual({ sequence: 2, retryMs: 0 });
  expect(posted.map(({ zxid }) => zxid)).toEqual([10, 20]);
  expect(dead).toMatchObject([
    { subject: NAMES.dead('sink'), letter: { reason: 'the sink answered 410' }, id: 'r1-1' },
  ]);
  expect(dead[0]?.letter.event.path).toBe('/a');
});

test.each([408, 429, 503])('a %i is tried again', async (status) => {
  let first = true;
  respond = () => {
    if (!first) return 200;
    first = false;
    return status;
  };
  expect(await handle([change(1)])).toEqual({ sequence: 1, retryMs: 0 });
  expect(dead).toEqual([]);
});

test('a sink that fails for too long costs the event, not the registration', async () => {
  respond = (zxid) => (zxid === 10 ? new Error('refused') : 200);
  let answer = { sequence: 0, retryMs: 0 };
  for (let calls = 0; calls < 10 && answer.sequence < 2; calls++) answer = await handle([change(1), change(2)]);
  expect(answer.sequence).toBe(2);
  expect(posted.filter(({ zxid }) => zxid === 10)).toHaveLength(WATCH.attempts);
  expect(dead).toMatchObject([{ letter: { reason: 'the sink did not answer: refused' } }]);
});

test.each(['file:///etc/passwd', 'ftp://host/x', 'not a url'])('%s is no sink', async (sink) => {
  await handle([change(1, { sink })]);
  expect(posted).toEqual([]);
  expect(dead).toHaveLength(1);
});

test('what cannot be read is a dead letter', async () => {
  expect(await handle([{ sequence: 1, payload: encode('no event') }, change(2)])).toEqual({ sequence: 2, retryMs: 0 });
  expect(dead).toHaveLength(1);
  expect(posted).toHaveLength(1);
});
