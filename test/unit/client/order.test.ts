import { type Call, Order } from '../../../client/reads/order.ts';

/** A call whose start and delivery the test sees and decides. */
class TestCall implements Call {
  started = false;
  delivered = false;
  over = false;
  ready = false;
  readonly kind: 'read' | 'write';

  constructor(kind: 'read' | 'write') {
    this.kind = kind;
  }

  start(): void {
    this.started = true;
  }

  deliver(): boolean {
    this.delivered ||= this.ready;
    return this.delivered;
  }
}

function add(order: Order, ...kinds: ('read' | 'write')[]): TestCall[] {
  return kinds.map((kind) => {
    const call = new TestCall(kind);
    order.add(call);
    return call;
  });
}

const started = (calls: TestCall[]) => calls.map((call) => call.started);
const delivered = (calls: TestCall[]) => calls.map((call) => call.delivered);

test('writes in a row start at once, a read after them when all are answered', () => {
  const order = new Order();
  const calls = add(order, 'write', 'write', 'read', 'read', 'write');
  expect(started(calls)).toEqual([true, true, false, false, false]);
  order.answered();
  expect(started(calls)).toEqual([true, true, false, false, false]);
  order.answered();
  expect(started(calls)).toEqual([true, true, true, true, false]);
});

test('a write after reads starts when they are delivered', () => {
  const order = new Order();
  const calls = add(order, 'read', 'read', 'write');
  for (const call of calls) call.ready = true;
  order.advance();
  expect(started(calls)).toEqual([true, true, true]);
  expect(delivered(calls)).toEqual([true, true, true]);
});

test('results are delivered in order, whatever is ready first', () => {
  const order = new Order();
  const calls = add(order, 'read', 'read', 'read');
  (calls[2] as TestCall).ready = true;
  order.advance();
  expect(delivered(calls)).toEqual([false, false, false]);
  (calls[0] as TestCall).ready = true;
  order.advance();
  expect(delivered(calls)).toEqual([true, false, false]);
  (calls[1] as TestCall).ready = true;
  order.advance();
  expect(delivered(calls)).toEqual([true, true, true]);
  expect(order.idle).toBe(true);
});

test('a call that is over before it starts leaves no trace', () => {
  const order = new Order();
  const [write, read, next] = add(order, 'write', 'read', 'write') as [TestCall, TestCall, TestCall];
  read.over = true;
  order.advance();
  expect([read.started, next.started]).toEqual([false, true]);
  write.ready = true;
  order.answered();
  next.ready = true;
  order.answered();
  expect(order.idle).toBe(true);
});

test('a write whose caller gave up still holds back the reads after it until it is answered', () => {
  const order = new Order();
  const [write, read] = add(order, 'write', 'read') as [TestCall, TestCall];
  write.over = true;
  order.advance();
  expect(read.started).toBe(false);
  expect(order.idle).toBe(false);
  order.answered();
  expect(read.started).toBe(true);
});

test('long queues are forgotten as they are delivered', () => {
  const order = new Order();
  const calls = add(order, ...Array.from({ length: 5_000 }, () => 'write' as const));
  for (const call of calls) {
    call.ready = true;
    order.answered();
  }
  expect(delivered(calls).every(Boolean)).toBe(true);
  expect(order.waiting).toBe(0);
  expect(order.idle).toBe(true);
});
