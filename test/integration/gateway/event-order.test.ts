/** Replies and events come to a gateway on different ways; to its client they go in the order of transactions. */
import { OPEN_ACL_UNSAFE } from '@faaskeeper/protocol';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { gatewaySessions } from '../../support/gateway-sessions.ts';
import { HoldingMessaging } from '../../support/holding-messaging.ts';

const isSession = (subject: string) => subject.includes('.out.s.');
const served = (faaskeeper: TestFaaSKeeper) => gatewaySessions(faaskeeper, (nats) => new HoldingMessaging(nats));
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('an event does not overtake the late reply of an earlier write that failed', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const other = await faaskeeper.connect();
  await using gateway = await served(faaskeeper);
  const { messaging } = gateway;
  const session = await gateway.open();
  await session.create('/a', OPEN_ACL_UNSAFE);
  await session.watch('/a');
  session.sent.length = 0;
  messaging.holds = isSession;
  const failing = session.remove('/none');
  while (messaging.held === 0) await turn();
  const { mzxid } = await other.setData('/a', 'x');
  // The gateway has heard of it, and could tell.
  while (session.engine.view.value < mzxid) await turn();
  expect(session.sent).toEqual([]);
  messaging.release();
  await failing;
  await session.sync();
  expect(session.sent).toEqual(['delete NoNode', 'NodeDataChanged /a', 'sync Ok']);
});

test('an event does not wait for ever for a reply that does not come', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const other = await faaskeeper.connect();
  await using gateway = await served(faaskeeper);
  const { messaging } = gateway;
  const session = await gateway.open();
  await session.create('/a', OPEN_ACL_UNSAFE);
  const told = await session.watch('/a');
  messaging.holds = isSession;
  const failing = session.remove('/none');
  await other.setData('/a', 'x');
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  messaging.release();
  expect((await failing).error).toBe('NoNode');
});
