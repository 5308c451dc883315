import { decode, LIMITS, sessionToken, subjects, unseal } from '@faaskeeper/protocol';
import type { Notifications } from '../../../functions/core/ports.ts';
import type { PendingReply } from '../../../functions/core/transactions/index.ts';
import { sendReplies } from '../../../functions/core/writer/replies.ts';

const names = subjects('test');
const filled = (length: number, value: number) => new Uint8Array(length).fill(value);
const mailbox = filled(16, 1);
const key = filled(32, 2);

function sent(replies: readonly PendingReply[]): { subject: string; payload: Uint8Array }[] {
  const published: { subject: string; payload: Uint8Array }[] = [];
  const notifications = {
    publish: (subject: string, payload: Uint8Array) => void published.push({ subject, payload }),
  };
  sendReplies(notifications as unknown as Notifications, 'test', replies);
  return published;
}

function reply(attachment: number, number: number, options: { key?: Uint8Array; result?: unknown } = {}): PendingReply {
  const token = sessionToken(filled(16, attachment), mailbox);
  const to = { token, key: options.key ?? key, generation: attachment };
  return { to, reply: { number, zxid: number, ...(options.result === undefined ? {} : { result: options.result }) } };
}

test('replies to all attachments of a mailbox are one message, those of each in order', () => {
  const published = sent([reply(10, 1), reply(20, 1), reply(10, 2)]);
  expect(published.map(({ subject }) => subject)).toEqual([names.session(sessionToken(mailbox))]);
  const { letters } = decode(unseal(key, published[0]!.payload)) as {
    letters: { to: string; message: { generation: number; replies: { number: number }[] } }[];
  };
  expect(letters.map(({ to, message }) => [to, message.generation, message.replies.map((one) => one.number)])).toEqual([
    [sessionToken(filled(16, 10)), 10, [1, 2]],
    [sessionToken(filled(16, 20)), 20, [1]],
  ]);
});

test('who has another key, or no mailbox, gets a message of its own', () => {
  const other = reply(20, 1, { key: filled(32, 3) });
  const alone: PendingReply = { to: { token: 'plain', key, generation: 1 }, reply: { number: 1, zxid: 1 } };
  const subjectsOf = sent([reply(10, 1), other, alone]).map(({ subject }) => subject);
  expect(subjectsOf.sort()).toEqual(
    [sessionToken(mailbox), other.to.token, 'plain'].map((token) => names.session(token)).sort(),
  );
});

test('mail that would become too large is split', () => {
  const result = { data: new Uint8Array(LIMITS.requestBytes * 0.6) };
  expect(sent([reply(10, 1, { result }), reply(20, 1, { result }), reply(30, 1)])).toHaveLength(2);
});
