import { FrameReader } from '../../../client/gateway/connection/frames.ts';
import { Replies } from '../../../client/gateway/connection/replies.ts';
import { SharedMessaging } from '../../../client/gateway/shared-messaging.ts';
import type { Messaging } from '../../../client/ports.ts';

function framed(content: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(content.length);
  return Buffer.concat([length, Buffer.from(content)]);
}

test.each([1, 2, 3, 5, 1_000])('frames are the same in chunks of %i bytes', (size) => {
  const contents = ['', 'a', 'bc'.repeat(100), '', 'd'];
  const bytes = Buffer.concat(contents.map(framed));
  const reader = new FrameReader(1_000);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    reader.push(bytes.subarray(at, at + size));
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) found.push(frame.toString());
  }
  expect(found).toEqual(contents);
  expect(reader.bytes).toBe(0);
});

test('a frame above the bound, or of negative length, is refused by its length alone', () => {
  for (const [hex, problem] of [
    ['000003e9', 'too-long'],
    ['ffffffff', 'negative-length'],
  ] as const) {
    const reader = new FrameReader(1_000);
    reader.push(Buffer.from(hex, 'hex'));
    expect(() => reader.next()).toThrow(expect.objectContaining({ problem }));
  }
});

test('replies leave in the order of their requests', () => {
  const replies = new Replies();
  const out: number[] = [];
  const slots = [0, 1, 2, 3].map(() => replies.open(10));
  const answer = (at: number) => replies.answer(slots[at]!, () => out.push(at));
  answer(2);
  answer(1);
  expect([out, replies.outstanding, replies.bytes]).toEqual([[], 4, 40]);
  answer(0);
  expect([out, replies.outstanding, replies.bytes]).toEqual([[0, 1, 2], 1, 10]);
  answer(3);
  expect([out, replies.outstanding, replies.bytes]).toEqual([[0, 1, 2, 3], 0, 0]);
});

test('one subscription a subject, whoever listens; the last one out ends it', () => {
  const open = new Map<string, (payload: Uint8Array) => void>();
  const base = {
    connected: true,
    onConnection: () => undefined,
    subscribe: (subject: string, handler: (payload: Uint8Array) => void) => {
      if (open.has(subject)) throw new Error(`${subject} twice`);
      open.set(subject, handler);
      return { close: () => void open.delete(subject) };
    },
  } as unknown as Messaging;
  const shared = new SharedMessaging(base);
  const heard: string[] = [];
  const first = shared.member().subscribe('s', () => heard.push('first'));
  const second = shared.member().subscribe('s', () => heard.push('second'));
  open.get('s')?.(new Uint8Array(1));
  first.close();
  first.close();
  open.get('s')?.(new Uint8Array(1));
  expect(heard).toEqual(['first', 'second', 'second']);
  second.close();
  expect([open.size, shared.subscriptions]).toEqual([0, 0]);
});
