import type { WatchEvent } from '@faaskeeper/client';
import { WatchStream } from '../../../client/watches/stream.ts';

const event = (zxid: number): WatchEvent => ({ type: 'NodeDataChanged', path: '/a', zxid, state: 'connected' });

test('events are taken in order, those that came early as well as those that are waited for', async () => {
  const stream = new WatchStream(() => undefined);
  stream.push(event(1));
  const taken = [stream.next(), stream.next()];
  stream.push(event(2));
  expect((await Promise.all(taken)).map(({ value }) => (value as WatchEvent).zxid)).toEqual([1, 2]);
});

test('what is queued is taken before an end or an error', async () => {
  let ends = 0;
  const stream = new WatchStream(() => ends++);
  stream.push(event(1));
  stream.fail(new Error('gone'));
  stream.push(event(2));
  expect(ends).toBe(1);
  expect((await stream.next()).value).toMatchObject({ zxid: 1 });
  await expect(stream.next()).rejects.toThrow('gone');
  expect(await stream.next()).toEqual({ value: undefined, done: true });
});

test('leaving the loop ends it once', async () => {
  let ends = 0;
  const stream = new WatchStream(() => ends++);
  stream.push(event(1));
  for await (const _ of stream) break;
  stream.end();
  expect(ends).toBe(1);
});
