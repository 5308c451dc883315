import { decode, encode, type NodeMeta, OPEN_ACL_UNSAFE, type SystemOperation } from '@faaskeeper/protocol';
import { HEARTBEAT, Heartbeat } from '../../../functions/core/heartbeat/index.ts';
import type { Outside } from '../../../functions/core/ports.ts';
import { ManualClock, settled, steadyRandom } from '../../support/manual-clock.ts';
import { beat, NAMES, password, SPEC, silentLogger, ticket } from '../trigger/fakes.ts';

let clock: ManualClock;
let nodes: Map<string, NodeMeta>;
let published: { subject: string; message: unknown }[];
let hearing: Map<string, (payload: Uint8Array, subject: string) => void>;
let heartbeat: Heartbeat;
/** Of the system store; LOG ends at 7. */
let state: { generation: string; applied: number } | undefined;
let asleep: number | undefined;

beforeEach(() => {
  state = { generation: 'g', applied: 7 };
  asleep = undefined;
  clock = new ManualClock();
  nodes = new Map();
  published = [];
  hearing = new Map();
  heartbeat = new Heartbeat(
    {
      clock,
      random: steadyRandom,
      logger: silentLogger,
      notifications: {
        publish: (subject: string, payload: Uint8Array) => void published.push({ subject, message: decode(payload) }),
        flush: async () => {},
        subscribe: (subject: string, handler: (payload: Uint8Array, subject: string) => void) => {
          hearing.set(subject, handler);
          return { close: () => void hearing.delete(subject) };
        },
      },
      log: { bounds: async () => ({ first: 1, last: 7 }) },
      system: {
        read: async (addresses: { key: string }[]) => ({
          state,
          ...(asleep === undefined ? {} : { asleep }),
          values: addresses.map(({ key }) => (nodes.has(key) ? encode(nodes.get(key)) : null)),
        }),
        scan: async function* () {
          yield [...nodes.keys(), '/gone'].map((path) => [path, new Uint8Array()]);
        },
      },
    } as unknown as Outside,
    SPEC,
  );
});

const submitted = () =>
  published.filter(({ subject }) => subject === NAMES.systemRequest).map(({ message }) => message as SystemOperation);

function meta(over: Partial<NodeMeta>): NodeMeta {
  const zero = {
    czxid: 5,
    mzxid: 6,
    pzxid: 7,
    ctime: 0,
    mtime: 0,
    version: 0,
    aversion: 0,
    created: 0,
    numChildren: 0,
  };
  return { ...zero, dataLength: 0, kind: 'container', ephemeralOwner: 0, ttl: 0, acl: [...OPEN_ACL_UNSAFE], ...over };
}

test('a suspect that answers its ping lives; one that does not is submitted with its generation', async () => {
  const answer = heartbeat.suspects({ sessions: [ticket(1), ticket(2, { generation: 3 })] });
  await settled();
  expect(published.map(({ subject }) => subject)).toEqual([NAMES.session('token1'), NAMES.session('token2')]);
  expect(published[1]?.message).toEqual({ type: 'ping', generation: 3 });
  hearing.get(NAMES.beat(1))?.(beat(1), NAMES.beat(1));
  await clock.advance(HEARTBEAT.answerMs);
  expect(await answer).toEqual({ alive: [1], expired: [2] });
  expect(submitted()).toEqual([{ type: 'expire', session: 2, generation: 3 }]);
  expect(hearing.size).toBe(0);
});

test('when all have answered nobody waits any longer', async () => {
  const answer = heartbeat.suspects({ sessions: [ticket(1)] });
  await settled();
  hearing.get(NAMES.beat(1))?.(beat(1), NAMES.beat(1));
  expect(await answer).toEqual({ alive: [1], expired: [] });
});

test('a beat of another attachment, with another password, or that is none does not save a suspect', async () => {
  const answer = heartbeat.suspects({ sessions: [ticket(1, { generation: 2 })] });
  await settled();
  for (const payload of [beat(1), beat(1, { generation: 2, password: password(9) }), encode('no beat')]) {
    hearing.get(NAMES.beat(1))?.(payload, NAMES.beat(1));
  }
  await clock.advance(HEARTBEAT.answerMs);
  expect((await answer).expired).toEqual([1]);
});

test('an empty container that had children is due, one that never had any is not', async () => {
  nodes.set('/had', meta({ created: 3 }));
  nodes.set('/never', meta({ created: 0 }));
  nodes.set('/has', meta({ created: 3, numChildren: 1 }));
  expect(await heartbeat.sweep({ forget: [] })).toEqual({ timed: 3 });
  expect(submitted()).toEqual([{ type: 'deleteContainer', path: '/had', czxid: 5, cversion: 6 }]);
});

test('a TTL node is due when it was not modified for longer than its time to live, and has no children', async () => {
  const now = clock.now();
  nodes.set('/due', meta({ kind: 'ttl', ttl: 1_000, mtime: now - 1_001 }));
  nodes.set('/young', meta({ kind: 'ttl', ttl: 1_000, mtime: now - 1_000 }));
  nodes.set('/parent', meta({ kind: 'ttl', ttl: 1_000, mtime: 0, created: 1, numChildren: 1 }));
  await heartbeat.sweep({ forget: [] });
  expect(submitted()).toEqual([{ type: 'deleteTtl', path: '/due', czxid: 5, mzxid: 6, cversion: 0 }]);
});

test('a store that does not hold all of LOG does not say that there is nothing to sweep', async () => {
  expect(await heartbeat.sweep({ forget: [] })).toEqual({ timed: 0 });
  state = { generation: 'g', applied: 6 };
  expect(await heartbeat.sweep({ forget: [] })).toEqual({ timed: 1 });
  state = undefined;
  expect(await heartbeat.sweep({ forget: [] })).toEqual({ timed: 1 });
  asleep = 7;
  expect(await heartbeat.sweep({ forget: [] })).toEqual({ timed: 0 });
});

test('ended sessions are forgotten by request', async () => {
  expect(await heartbeat.sweep({ forget: [3, 4] })).toEqual({ timed: 0 });
  expect(submitted()).toEqual([
    { type: 'forget', session: 3 },
    { type: 'forget', session: 4 },
  ]);
});

test('forgetting sessions does not look at containers before their time', async () => {
  nodes.set('/had', meta({ created: 3 }));
  await heartbeat.sweep({ forget: [3], timed: false });
  expect(submitted()).toEqual([{ type: 'forget', session: 3 }]);
});
