import { decode, encode, frame } from '@faaskeeper/protocol';
import {
  EVENT_TYPES,
  type RequestsAnswer,
  type RequestsInvocation,
  type SuspectsInvocation,
  type SweepInvocation,
} from '../../../functions/core/invocations.ts';
import { InvocationError, TRIGGER, Trigger } from '../../../functions/core/trigger/index.ts';
import { settled } from '../../support/manual-clock.ts';
import { beat, FakeOutside, message, NAMES, password, record, SPEC, silentLogger, ticket } from './fakes.ts';

let outside: FakeOutside;
let trigger: Trigger;

beforeEach(async () => {
  outside = new FakeOutside();
});

afterEach(async () => {
  await trigger.stop();
});

async function serve(holder = 'me'): Promise<void> {
  trigger = newTrigger(holder);
  await settled();
}

function newTrigger(holder: string): Trigger {
  const made = new Trigger({ clock: outside.clock, logger: silentLogger, holder, outside: () => outside.asOutside() });
  made.start();
  made.declare(SPEC);
  return made;
}

function answerRequests(answer: Partial<RequestsAnswer>): void {
  outside.answers.set(EVENT_TYPES.requests, () => ({
    sequence: 1,
    zxid: 1,
    sessions: [],
    timed: false,
    registrations: [],
    ...answer,
  }));
}

/** A batch of the writer with this answer. */
async function batch(answer: Partial<RequestsAnswer>, sequence = 1): Promise<void> {
  answerRequests(answer);
  outside.lane('request').put(message(sequence));
  await settled();
  answerRequests({});
}

const suspected = () =>
  outside
    .callsOf(EVENT_TYPES.suspects)
    .map(({ data }) => (decode(data) as SuspectsInvocation).sessions.map(({ id }) => id));
const beatAnswers = () =>
  outside.published.map(({ subject, payload }) => ({ subject, ...(decode(payload) as { type: string }) }));

test('a connected idle instance invokes no function', async () => {
  outside.sessions.set('1', record(1));
  await serve();
  for (let i = 0; i < 600; i++) {
    await outside.clock.advance(1_000);
    outside.hear(NAMES.beat(1), beat(1));
  }
  expect(outside.invoked).toEqual([]);
  expect(beatAnswers()).toHaveLength(600);
});

test('a beat is answered on the subject of its attachment, with the newest watermark', async () => {
  outside.sessions.set('1', record(1));
  await serve();
  outside.answers.set(EVENT_TYPES.transactions, () => ({ sequence: 9, watermark: 42, checkpointDue: false }));
  outside.lane('log').put(message(9));
  await settled();
  outside.hear(NAMES.beat(1), beat(1, { id: 5 }));
  expect(beatAnswers()).toEqual([{ subject: NAMES.session('token1'), type: 'beat', id: 5, watermark: 42 }]);
  await batch({});
  const { watermark } = decode(outside.callsOf(EVENT_TYPES.requests)[0]?.data ?? encode({})) as RequestsInvocation;
  expect(watermark).toBe(42);
});

test('a trigger that has just started knows the stored watermark', async () => {
  outside.sessions.set('1', record(1));
  outside.storedWatermark = { body: frame(1, { sequence: 8, zxid: 40 }), etag: 'e' };
  await serve();
  outside.hear(NAMES.beat(1), beat(1));
  expect(beatAnswers()).toMatchObject([{ type: 'beat', watermark: 40 }]);
});

test('beats with another password or an older generation are not answered', async () => {
  outside.sessions.set('1', record(1, { generation: 2 }));
  await serve();
  outside.hear(NAMES.beat(1), beat(1, { generation: 2, password: password(9) }));
  outside.hear(NAMES.beat(1), beat(1, { generation: 1 }));
  outside.hear(NAMES.beat(1), encode('no beat'));
  expect(beatAnswers()).toEqual([]);
  outside.hear(NAMES.beat(1), beat(1, { generation: 2 }));
  expect(beatAnswers()).toHaveLength(1);
});

test('the beat of a session that is not known makes it known from the applied state', async () => {
  await serve();
  outside.sessions.set('7', record(7));
  outside.hear(NAMES.beat(7), beat(7));
  await outside.clock.advance(1_000);
  outside.hear(NAMES.beat(7), beat(7));
  expect(beatAnswers()).toHaveLength(1);
});

test('only a silent session wakes the heartbeat function, again until its end is known', async () => {
  await serve();
  await batch({ sessions: [ticket(1), ticket(2)] });
  outside.sessions.set('1', record(1));
  outside.sessions.set('2', record(2));
  for (let i = 0; i < 6; i++) {
    await outside.clock.advance(1_000);
    outside.hear(NAMES.beat(2), beat(2));
  }
  expect(suspected()).toEqual([[1]]);
  await outside.clock.advance(1_500);
  outside.hear(NAMES.beat(2), beat(2));
  expect(suspected()).toEqual([[1], [1]]);
  await batch({ sessions: [ticket(1, { timeout: 0, ended: 5 })] }, 2);
  for (let i = 0; i < 20; i++) {
    await outside.clock.advance(1_000);
    outside.hear(NAMES.beat(2), beat(2));
  }
  expect(suspected()).toEqual([[1], [1]]);
});

test('a session that answered its ping is left alone for another timeout', async () => {
  outside.sessions.set('1', record(1));
  outside.answers.set(EVENT_TYPES.suspects, () => ({ alive: [1], expired: [] }));
  await serve();
  await outside.clock.advance(4_500);
  expect(suspected()).toHaveLength(1);
  await outside.clock.advance(3_000);
  expect(suspected()).toHaveLength(1);
  await outside.clock.advance(1_000);
  expect(suspected()).toHaveLength(2);
});

test('nobody is suspected for time in which the trigger was cut off or stood still', async () => {
  outside.sessions.set('1', record(1));
  await serve();
  await outside.clock.advance(3_000);
  trigger.connection(false);
  await outside.clock.advance(60_000);
  trigger.connection(true);
  await outside.clock.advance(3_500);
  await outside.clock.stall(10_000);
  await outside.clock.advance(3_500);
  expect(suspected()).toEqual([]);
  await outside.clock.advance(1_000);
  expect(suspected()).toEqual([[1]]);
});

test('a suspect of which the applied state has newer news is not asked after', async () => {
  await serve();
  await batch({ sessions: [ticket(1), ticket(2)] });
  outside.sessions.set('1', record(1, { generation: 2 }));
  outside.sessions.set('2', record(2, { ended: 5 }));
  await outside.clock.advance(4_500);
  expect(suspected()).toEqual([]);
  await outside.clock.advance(4_500);
  expect(suspected()).toEqual([[1]]);
});

test('after a take-over everyone has one more timeout', async () => {
  outside.sessions.set('1', record(1));
  outside.lockHolder = 'other';
  await serve();
  await outside.clock.advance(20_000);
  outside.hear(NAMES.beat(1), beat(1));
  expect(beatAnswers()).toEqual([]);
  outside.lockHolder = undefined;
  await outside.clock.advance(1_000);
  await outside.clock.advance(3_500);
  expect(suspected()).toEqual([]);
  await outside.clock.advance(1_500);
  expect(suspected()).toEqual([[1]]);
});

test('of two triggers one serves; when it stops the other takes over', async () => {
  await serve('me');
  const second = newTrigger('other');
  await outside.clock.advance(10_000);
  expect(outside.lane('request').opened).toHaveLength(1);
  await Promise.all([trigger.stop(), outside.clock.advance(0)]);
  await outside.clock.advance(2_000);
  expect(outside.lane('request').opened).toHaveLength(2);
  await second.stop();
});

test('a lost lock stops the lanes; a wiped store does not', async () => {
  await serve();
  outside.lockHolder = undefined;
  await outside.clock.advance(5_000);
  expect(outside.lane('request').closed).toBe(false);
  expect(outside.lockHolder).toBe('me');
  outside.lockHolder = 'other';
  await outside.clock.advance(3_000);
  expect(outside.lane('request').closed).toBe(true);
});

test('an answer that may have been lost makes sessions, registrations and timed nodes be loaded again', async () => {
  await serve();
  let lost = true;
  outside.answers.set(EVENT_TYPES.requests, () => {
    if (lost) throw new InvocationError('no answer');
    return { sequence: 1, zxid: 1, sessions: [], timed: false, registrations: [] };
  });
  outside.lane('request').put(message(1));
  await settled();
  outside.sessions.set('3', record(3));
  outside.registrations.set('r1', encode({ id: 'r1' }));
  lost = false;
  await outside.clock.advance(1_000);
  expect(outside.lane('r1').opened).toHaveLength(1);
  await outside.clock.advance(5_000);
  expect(suspected()).toEqual([[3]]);
});

test('a store that is behind the log is brought up to it before it is believed', async () => {
  outside.lastSequence = 5;
  outside.answers.set(EVENT_TYPES.requests, (data) => {
    expect((decode(data) as RequestsInvocation).requests).toEqual([]);
    outside.applied = 5;
    outside.sessions.set('4', record(4));
    return { sequence: 5, zxid: 5, sessions: [], timed: false, registrations: [] };
  });
  await serve();
  await outside.clock.advance(5_000);
  expect(suspected()).toEqual([[4]]);
});

test('sweeps go on while there are containers or TTL nodes, and then stop', async () => {
  await serve();
  await outside.clock.advance(300_000);
  expect(outside.callsOf(EVENT_TYPES.sweep)).toHaveLength(0);
  outside.answers.set(EVENT_TYPES.sweep, () => ({ timed: 2 }));
  await batch({ timed: true });
  await outside.clock.advance(185_000);
  expect(outside.callsOf(EVENT_TYPES.sweep)).toHaveLength(3);
  outside.answers.set(EVENT_TYPES.sweep, () => ({ timed: 0 }));
  await outside.clock.advance(600_000);
  expect(outside.callsOf(EVENT_TYPES.sweep)).toHaveLength(4);
});

test('ended sessions are forgotten after ten minutes, and asked about until they are gone', async () => {
  await serve();
  await batch({ sessions: [ticket(1)] });
  await batch({ sessions: [ticket(1, { timeout: 0, ended: 7 })] }, 2);
  outside.sessions.set('1', record(1, { ended: 7 }));
  await outside.clock.advance(599_000);
  expect(outside.callsOf(EVENT_TYPES.sweep)).toHaveLength(0);
  await outside.clock.advance(2_000);
  const sweeps = () => outside.callsOf(EVENT_TYPES.sweep).map(({ data }) => decode(data) as SweepInvocation);
  const forgets = () => sweeps().map(({ forget }) => forget);
  expect(sweeps()).toEqual([{ forget: [1], timed: false }]);
  await outside.clock.advance(600_000);
  expect(forgets()).toEqual([[1], [1]]);
  outside.sessions.delete('1');
  await outside.clock.advance(1_800_000);
  expect(forgets()).toEqual([[1], [1]]);
});

test('checkpoints run beside the lanes, one at a time, and are repeated when they fail', async () => {
  await serve();
  outside.answers.set(EVENT_TYPES.transactions, () => ({ sequence: 1, watermark: 1, checkpointDue: true }));
  const running: (() => void)[] = [];
  let fail = true;
  outside.answers.set(EVENT_TYPES.checkpoint, async () => {
    if (fail) throw new InvocationError('out');
    await new Promise<void>((resolve) => running.push(resolve));
    return { sequence: 1 };
  });
  outside.lane('log').put(message(1));
  await settled();
  fail = false;
  outside.lane('log').put(message(2));
  await outside.clock.advance(2_000);
  outside.lane('log').put(message(3));
  await settled();
  expect(outside.lane('log').acknowledged).toEqual([1, 2, 3]);
  expect(running).toHaveLength(1);
  expect(outside.callsOf(EVENT_TYPES.checkpoint)).toHaveLength(2);
  running[0]?.();
});

test('a halted instance says so in the answers to beats, until it takes writes again', async () => {
  outside.sessions.set('1', record(1));
  await serve();
  outside.answers.set(EVENT_TYPES.requests, () => {
    throw new InvocationError('halted', { status: 503, halted: 'LOG lost data' });
  });
  outside.lane('request').put(message(1));
  await settled();
  outside.hear(NAMES.beat(1), beat(1));
  expect(beatAnswers()).toMatchObject([{ halted: 'LOG lost data' }]);
  answerRequests({});
  await outside.clock.advance(3_000);
  outside.hear(NAMES.beat(1), beat(1));
  expect(beatAnswers()[1]).not.toHaveProperty('halted');
});

test('a registration has a lane of its own; when it is dropped, what was before is still delivered for a while', async () => {
  await serve();
  outside.answers.set(EVENT_TYPES.changes, () => ({ sequence: 1, retryMs: 0 }));
  await batch({ registrations: [{ id: 'r1', removed: false }] });
  await batch({ registrations: [{ id: 'r1', removed: true }] }, 2);
  outside.lane('r1').put(message(1));
  await settled();
  expect(outside.lane('r1').acknowledged).toEqual([1]);
  expect(outside.lane('r1').closed).toBe(false);
  await outside.clock.advance(61_000);
  expect(outside.lane('r1').closed).toBe(true);
});

test('an instance that is removed is served no more', async () => {
  await serve();
  trigger.remove(SPEC.id);
  await outside.clock.advance(1_000);
  expect([...outside.lanes.values()].map(({ closed }) => closed)).toEqual([true, true]);
  expect(outside.lockHolder).toBeUndefined();
});

describe('hibernation', () => {
  const HOUR = TRIGGER.hibernateAfterMs;
  const asked = () => outside.callsOf(EVENT_TYPES.checkpoint).length;
  /** In steps: the trigger must not think that it stood still. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 60_000) await outside.clock.advance(Math.min(left, 60_000));
  };
  beforeEach(() => outside.answers.set(EVENT_TYPES.checkpoint, () => ({ sequence: 1, hibernates: true })));

  test('an instance that nobody has used for an hour hibernates, and again an hour after it was used', async () => {
    await serve();
    await pass(HOUR - 10_000);
    await batch({});
    await pass(HOUR - 10_000);
    expect(asked()).toBe(0);
    await pass(20_000);
    expect(asked()).toBe(1);
    expect(decode(outside.callsOf(EVENT_TYPES.checkpoint)[0]!.data)).toEqual({ hibernate: true });
    await pass(2 * HOUR);
    expect(asked()).toBe(1);
    await batch({}, 2);
    await pass(HOUR + 10_000);
    expect(asked()).toBe(2);
  });

  test('sessions, containers and registrations keep it awake', async () => {
    outside.registrations.set('r', encode({ id: 'r' }));
    await serve();
    await pass(2 * HOUR);
    await trigger.stop();
    outside.registrations.clear();
    outside.timed.set('/c', new Uint8Array());
    outside.answers.set(EVENT_TYPES.sweep, () => ({ timed: 1 }));
    await serve();
    await pass(2 * HOUR);
    await trigger.stop();
    outside.timed.clear();
    outside.sessions.set('1', record(1, { timeout: 4 * HOUR }));
    await serve();
    await pass(2 * HOUR);
    expect(asked()).toBe(0);
  });

  test('where the distributor cannot, it is asked again an hour later', async () => {
    outside.answers.set(EVENT_TYPES.checkpoint, () => ({ sequence: 1, hibernates: false }));
    await serve();
    await pass(3 * HOUR + 10_000);
    expect(asked()).toBe(3);
  });

  test('a new owner does not wake what hibernates', async () => {
    outside.asleep = true;
    await serve();
    await pass(2 * HOUR);
    expect(outside.invoked).toEqual([]);
  });
});

test("LOG's lane is told of what is in LOG, by each answer of the writer and when the lanes are taken over", async () => {
  outside.lastSequence = 1;
  await serve();
  expect(outside.lane('log').expected).toContain(1);
  await batch({ sequence: 9 });
  expect(outside.lane('log').expected.at(-1)).toBe(9);
});
