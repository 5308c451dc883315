import type { Operation, Reply } from '@faaskeeper/protocol';
import { LIMITS } from '@faaskeeper/protocol';
import { Requests } from '../../../client/session/requests.ts';
import { steady, TestClock } from './test-clock.ts';

function setup() {
  const clock = new TestClock();
  const sent: { first: number; lowest: number; count: number }[] = [];
  const requests = new Requests({
    clock,
    random: steady,
    send: ({ first, lowest, operations }) => {
      sent.push({ first, lowest, count: operations.length });
      return true;
    },
  });
  const replies: Reply[] = [];
  const submit = (operation: Operation = { type: 'noop' }) =>
    requests.submit(
      operation,
      (reply) => replies.push(reply),
      () => undefined,
    );
  const answer = (...numbers: number[]) => requests.answer(numbers.map((number) => ({ number, zxid: number })));
  return { clock, sent, requests, replies, submit, answer };
}

test('requests of one turn go in one message, with consecutive numbers', () => {
  const { clock, sent, requests, submit, answer } = setup();
  requests.resume(1);
  for (let i = 0; i < 3; i++) submit();
  expect(sent).toEqual([]);
  clock.advance(0);
  submit();
  clock.advance(0);
  expect(sent).toEqual([
    { first: 1, lowest: 1, count: 3 },
    { first: 4, lowest: 1, count: 1 },
  ]);
  answer(1, 2);
  submit();
  clock.advance(0);
  expect(sent.at(-1)).toEqual({ first: 5, lowest: 3, count: 1 });
});

test('messages keep their bounds of count and bytes', () => {
  const { clock, sent, requests, submit } = setup();
  requests.resume(1);
  for (let i = 0; i < LIMITS.requestsPerMessage + 1; i++) submit();
  clock.advance(0);
  expect(sent.map(({ count }) => count)).toEqual([LIMITS.requestsPerMessage, 1]);
  const data = new Uint8Array(LIMITS.dataBytes);
  for (let i = 0; i < 5; i++) submit({ type: 'setData', path: '/a', data, version: -1 });
  clock.advance(0);
  expect(sent.slice(2).map(({ count }) => count)).toEqual([3, 2]);
});

test('beyond the outstanding requests, the rest waits for answers', () => {
  const { clock, sent, requests, submit, answer } = setup();
  requests.resume(1);
  for (let i = 0; i < LIMITS.outstandingRequests + 10; i++) submit();
  clock.advance(0);
  expect(sent.reduce((sum, { count }) => sum + count, 0)).toBe(LIMITS.outstandingRequests);
  answer(1, 2, 3);
  clock.advance(0);
  expect(sent.at(-1)).toEqual({ first: LIMITS.outstandingRequests + 1, lowest: 4, count: 3 });
});

test('a late answer makes all that is unanswered be sent again, later and later', () => {
  const { clock, sent, requests, submit, answer } = setup();
  requests.resume(1);
  submit();
  submit();
  clock.advance(0);
  clock.advance(999);
  expect(sent).toHaveLength(1);
  clock.advance(1);
  expect(sent.slice(1)).toEqual([{ first: 1, lowest: 1, count: 2 }]);
  clock.advance(2_000);
  expect(sent).toHaveLength(3);
  answer(1, 2);
  clock.advance(60_000);
  expect(sent).toHaveLength(3);
});

test('an answer that overtook another makes the missing one be asked for at once', () => {
  const { clock, sent, requests, submit, answer, replies } = setup();
  requests.resume(1);
  for (let i = 0; i < 3; i++) submit();
  clock.advance(200);
  answer(3);
  expect(sent.at(-1)).toEqual({ first: 1, lowest: 1, count: 2 });
  answer(1, 2, 3, 3);
  expect(replies.map(({ number }) => number)).toEqual([3, 1, 2]);
});

test('a gap is filled from the number that is missing, once for many reports', () => {
  const { clock, sent, requests, submit } = setup();
  requests.resume(1);
  for (let i = 0; i < 4; i++) submit();
  clock.advance(200);
  requests.gap(3);
  requests.gap(3);
  expect(sent.slice(1)).toEqual([{ first: 3, lowest: 1, count: 2 }]);
});

test('nothing is sent while the session is not attached; after that, everything in order', () => {
  const { clock, sent, requests, submit } = setup();
  submit();
  clock.advance(10_000);
  expect(sent).toEqual([]);
  requests.resume(7);
  clock.advance(0);
  expect(sent).toEqual([{ first: 7, lowest: 7, count: 1 }]);
  requests.pause();
  submit();
  clock.advance(60_000);
  expect(sent).toHaveLength(1);
  requests.resume(8);
  clock.advance(0);
  expect(sent.slice(1)).toEqual([
    { first: 7, lowest: 7, count: 1 },
    { first: 8, lowest: 7, count: 1 },
  ]);
});

test('what was not sent can be taken back and uses no number', () => {
  const { clock, sent, requests, submit } = setup();
  requests.resume(1);
  const [first, second] = [submit(), submit()];
  expect(requests.withdraw(first)).toBe(true);
  clock.advance(0);
  expect(second.number).toBe(1);
  expect(requests.withdraw(second)).toBe(false);
  expect(sent).toEqual([{ first: 1, lowest: 1, count: 1 }]);
});
