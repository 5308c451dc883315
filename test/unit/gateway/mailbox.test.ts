import { decode, encode, LIMITS, seal, sessionToken, subjects } from '@faaskeeper/protocol';
import { InstanceMailbox } from '../../../client/gateway/mailbox.ts';
import type { Messaging } from '../../../client/ports.ts';
import type { LinkMessage } from '../../../client/session/link.ts';
import { steady, TestClock } from '../client/test-clock.ts';

const names = subjects('test');

function setUp() {
  const clock = new TestClock();
  const published: { subject: string; payload: Uint8Array }[] = [];
  const subscribed = new Map<string, (payload: Uint8Array, subject: string) => void>();
  const messaging = {
    connected: true,
    publish: (subject: string, payload: Uint8Array) => void published.push({ subject, payload }),
    subscribe: (subject: string, handler: (payload: Uint8Array, subject: string) => void) => {
      subscribed.set(subject, handler);
      return { close: () => void subscribed.delete(subject) };
    },
  };
  const mailbox = new InstanceMailbox({ clock, messaging: messaging as unknown as Messaging, random: steady }, 'test');
  const own = names.session(sessionToken(mailbox.secret));
  return { clock, mailbox, messaging, own, published, subscribed };
}

const bytes = (...values: number[]) => new Uint8Array(values);
const replies = (number: number) =>
  ({ type: 'replies', generation: 1, replies: [{ number, zxid: number }] }) as const satisfies LinkMessage;

test('what sessions send in one turn leaves as one message, in order', () => {
  const { clock, mailbox, published } = setUp();
  mailbox.post(names.request(1), bytes(1));
  mailbox.post(names.request(2), bytes(2));
  mailbox.post(names.request(1), bytes(3));
  expect(published).toEqual([]);
  clock.advance(0);
  expect(published.map(({ subject }) => subject)).toEqual([names.systemRequest]);
  const { type, messages } = decode(published[0]!.payload) as { type: string; messages: Uint8Array[] };
  expect([type, ...messages.map((message) => [...message])]).toEqual(['bundle', [1], [2], [3]]);
});

test('a message that is alone leaves as it is', () => {
  const { clock, mailbox, published } = setUp();
  mailbox.post(names.request(7), bytes(1));
  clock.advance(0);
  expect(published).toEqual([{ subject: names.request(7), payload: bytes(1) }]);
});

test('a bundle has bounds, and one that is large enough does not wait', () => {
  const { clock, mailbox, published } = setUp();
  const counts = () => published.map(({ payload }) => (decode(payload) as { messages?: unknown[] }).messages?.length);
  for (let i = 0; i < 33; i++) mailbox.post(names.request(i), bytes(1));
  expect(counts()).toEqual([32]);
  for (let i = 0; i < 3; i++) mailbox.post(names.request(i), new Uint8Array(LIMITS.bundleBytes / 2));
  expect(counts()).toEqual([32, 2]);
  clock.advance(0);
  expect(counts()).toEqual([32, 2, 2]);
  clock.advance(0);
  expect(counts()).toHaveLength(3);
});

test('nothing is sent into a broken connection', () => {
  const { clock, mailbox, messaging, published } = setUp();
  mailbox.post(names.request(1), bytes(1));
  messaging.connected = false;
  clock.advance(0);
  expect(published).toEqual([]);
});

test('a letter goes to its attachment, by mail or alone; what is damaged to nobody', () => {
  const { mailbox, own, subscribed } = setUp();
  const heard: [string, LinkMessage][] = [];
  const first = mailbox.receive('a', (message) => heard.push(['a', message]));
  mailbox.receive('b', (message) => heard.push(['b', message]));
  const letters = [
    { to: 'b', message: replies(1) },
    { to: 'gone', message: replies(2) },
    { to: 'a', message: replies(3) },
  ];
  subscribed.get(own)?.(seal(mailbox.key, encode({ letters })), own);
  subscribed.get(own)?.(bytes(1, 2, 3), own);
  const alone = encode({ type: 'sealed', body: seal(mailbox.key, encode(replies(4))) });
  subscribed.get(`${own}.*`)?.(alone, `${own}.a`);
  subscribed.get(`${own}.*`)?.(encode({ type: 'beat', id: 9, watermark: 5 }), `${own}.b`);
  first.close();
  subscribed.get(`${own}.*`)?.(alone, `${own}.a`);
  expect(heard).toEqual([
    ['b', replies(1)],
    ['a', replies(3)],
    ['a', replies(4)],
    ['b', { type: 'beat', id: 9, watermark: 5 }],
  ]);
  mailbox.close();
  expect(subscribed.size).toBe(0);
});
