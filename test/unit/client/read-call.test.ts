import { type Call, Order } from '../../../client/reads/order.ts';
import { ReadCall } from '../../../client/reads/read-call.ts';
import { type Answer, Reader, target } from '../../../client/reads/reader.ts';
import { TestClock } from './test-clock.ts';

type Found = Awaited<ReturnType<ConstructorParameters<typeof Reader>[0]['nodes']['read']>>;

/** A session at watermark 0 that has seen transaction 1, its own opening; each read finds the next of `found`. */
function freshSession(...found: Found[]) {
  let watermark = 0;
  let reads = 0;
  const reader: Reader = new Reader({
    clock: new TestClock(),
    nodes: { read: async () => found[reads++] as Found } as never,
    cache: { cached: () => undefined, offer: () => undefined },
    watermark: () => watermark,
    live: () => true,
    ask: () => Promise.reject(new Error('not asked for')),
    onAnswer: () => void call.deliver(),
  });
  reader.see(1);
  const finish = ([answer]: readonly Answer[]) => answer?.stat?.czxid;
  const call = new ReadCall({ reader, targets: [target('/', 'exists')], exact: true, finish });
  return {
    call,
    advance(zxid: number) {
      watermark = zxid;
      call.deliver();
    },
    get reads() {
      return reads;
    },
  };
}

test('what a tree begins with is not missed by a read that came before anything was visible', async () => {
  const stat = { czxid: 0 } as NonNullable<Answer['stat']>;
  const session = freshSession({ state: 'absent', zxid: 0 }, { state: 'node', zxid: 0, stat, data: null });
  session.call.start();
  await new Promise(setImmediate);
  session.advance(1);
  expect(await session.call.result.promise).toBe(0);
  expect(session.reads).toBe(2);
});

test('what waits behind a read goes on when the read fails', async () => {
  const order = new Order();
  const reader = new Reader({
    clock: new TestClock(),
    nodes: { read: async () => ({ state: 'protected', zxid: 1 }) } as never,
    cache: { cached: () => undefined, offer: () => undefined },
    watermark: () => 1,
    live: () => true,
    ask: () => Promise.reject(new Error('another client used the session')),
    onAnswer: () => order.advance(),
  });
  const read = new ReadCall({ reader, targets: [target('/', 'exists')], exact: true, finish: () => undefined });
  const write: Call = { kind: 'write', over: false, start: jest.fn(), deliver: () => false };
  order.add(read);
  order.add(write);
  await expect(read.result.promise).rejects.toThrow('another client');
  await new Promise(setImmediate);
  expect(write.start).toHaveBeenCalled();
});
