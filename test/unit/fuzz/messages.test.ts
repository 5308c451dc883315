import { randomBytes } from 'node:crypto';
import {
  beatSchema,
  decodeAs,
  encode,
  feedMessageSchema,
  OPEN_ACL_UNSAFE,
  seal,
  subjects,
  type Watermark,
} from '@faaskeeper/protocol';
import { openMessage } from '../../../client/session/link.ts';
import { Published } from '../../../client/watermark.ts';
import { decodeIncoming, judge } from '../../../functions/core/transactions/index.ts';
import { type Fuzz, fuzz, onlyThrows } from '../../support/fuzz.ts';
import { SPEC, silentLogger } from '../trigger/fakes.ts';

const names = subjects(SPEC.id);
const secret = new Uint8Array(16);
const key = new Uint8Array(32);
const session = { session: 1, generation: 1, password: secret };

const REQUESTS: readonly unknown[] = [
  { type: 'createSession', nonce: secret, key, timeout: 10_000 },
  { type: 'attach', ...session, nonce: secret, key, timeout: 10_000 },
  {
    type: 'requests',
    ...session,
    first: 1,
    lowest: 1,
    operations: [
      { type: 'create', path: '/a', data: secret, acl: OPEN_ACL_UNSAFE, mode: 'PERSISTENT' },
      { type: 'multi', operations: [{ type: 'check', path: '/a', version: 0 }] },
      { type: 'addAuth', scheme: 'digest', auth: secret },
    ],
  },
  { type: 'bundle', messages: [encode({ type: 'createSession', nonce: secret, key, timeout: 1 })] },
  { type: 'expire', session: 1, generation: 1 },
  { type: 'repair', path: '/a' },
];

function request(random: Fuzz): Uint8Array {
  const valid = random.pick(REQUESTS);
  return random.chance(0.5) ? random.mutated(encode(valid)) : encode(random.changed(valid));
}

test('whatever is in REQ is judged: done, refused, or a dead letter with its reason', async () => {
  const context = { spec: SPEC, time: 1, zxid: 1, watermark: 1, logger: silentLogger, password: () => secret };
  await fuzz(3_000, (random) => {
    const subject = random.pick([names.systemRequest, names.request('new'), names.request(1), random.text(10)]);
    const good = encode({ type: 'createSession', nonce: randomBytes(16), key, timeout: 10_000 });
    const incoming = [
      ...decodeIncoming(subject, request(random), names.systemRequest),
      ...decodeIncoming(names.request('new'), good, names.systemRequest),
    ];
    const outcome = judge(incoming, { get: () => null }, context);
    if (!('judged' in outcome)) throw new Error('Something is missing of nothing');
    // The good request behind it is done.
    expect(outcome.judged.sessions.length).toBeGreaterThan(0);
    for (const { reason } of outcome.judged.deadLetters) expect(reason).not.toBe('');
  });
});

test('what does not come from the system is as good as lost to a client', async () => {
  const mark: Watermark = { zxid: 3, previous: 2, entries: new Uint8Array(32) };
  const opened = { type: 'gap', generation: 1, from: 1 };
  await fuzz(2_000, (random) => {
    const published = Published.decode(random.mutated(encode(mark)));
    if (published !== undefined) published.after(2);
    openMessage(key, random.mutated(encode({ type: 'sealed', body: seal(key, encode(opened)) })));
    openMessage(key, encode({ type: 'sealed', body: seal(key, encode(random.changed(opened))) }));
    openMessage(key, encode(random.changed({ type: 'beat', id: 1, watermark: 1 })));
  });
});

test('beats and changes that are none are refused', async () => {
  const beat = { generation: 1, password: secret, id: 1 };
  const change = { path: '/a', changes: [{ zxid: 1, index: 0, kind: 'data', acl: [...OPEN_ACL_UNSAFE] }] };
  const committed = { previous: 1, zxid: 2, changes: [{ path: '/a', zxid: 2, index: 0, kind: 'data' }] };
  await fuzz(2_000, (random) => {
    onlyThrows(() => decodeAs(beatSchema, random.mutated(encode(beat)), 'beat'), 'MarshallingError');
    for (const message of [change, committed])
      onlyThrows(() => decodeAs(feedMessageSchema, encode(random.changed(message)), 'change'), 'MarshallingError');
  });
});
