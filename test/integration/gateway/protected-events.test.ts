/** Events of nodes that not everyone may read: they reach the sessions of a gateway that may, and nobody else. */
import { type Acl, digestIdentity, OPEN_ACL_UNSAFE, Permission } from '@faaskeeper/protocol';
import { startFaaSKeeper, type TestFaaSKeeper } from '../../support/faaskeeper.ts';
import { gatewaySessions } from '../../support/gateway-sessions.ts';
import { LossyMessaging } from '../../support/lossy-client.ts';

const OF_ADDRESS: Acl[] = [{ scheme: 'ip', id: '127.0.0.0/8', permissions: Permission.ALL }];
const OF_ANN: Acl[] = [{ scheme: 'auth', id: '', permissions: Permission.ALL }];
const isOfSystem = (subject: string) => subject.includes('.sys.c');
const served = (faaskeeper: TestFaaSKeeper) => gatewaySessions(faaskeeper, (nats) => new LossyMessaging(nats));

test('they reach who may read the node, and neither a stranger nor a client that reads directly', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using gateway = await served(faaskeeper);
  const direct = await faaskeeper.connect();
  const states: string[] = [];
  direct.on('state', (state) => void states.push(state));
  const [ann, stranger] = await Promise.all([gateway.open(), gateway.open([{ scheme: 'ip', id: '10.0.0.1' }])]);
  await ann.auth('ann:secret');
  const [toAnn, toStranger] = [await ann.watch('/', true), await stranger.watch('/', true)];
  const toDirect: string[] = [];
  await direct.addWatch('/', 'PERSISTENT_RECURSIVE', (event) => void toDirect.push(`${event.type} ${event.path}`));
  await ann.create('/mine', OF_ANN);
  await ann.create('/mine/here', OF_ADDRESS);
  await ann.set('/mine');
  await ann.remove('/mine/here');
  await ann.remove('/mine');
  await direct.create('/open');
  await Promise.all([ann.sync(), stranger.sync(), direct.sync('/')]);
  expect(toAnn).toEqual([
    'NodeCreated /mine',
    'NodeCreated /mine/here',
    'NodeDataChanged /mine',
    'NodeDeleted /mine/here',
    'NodeDeleted /mine',
    'NodeCreated /open',
  ]);
  expect([toStranger, toDirect, states]).toEqual([['NodeCreated /open'], ['NodeCreated /open'], []]);
});

test('they come before the reply of the own write, in the order of the transaction', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using gateway = await served(faaskeeper);
  const session = await gateway.open();
  await session.create('/p', OF_ADDRESS);
  await session.watch('/p');
  await session.watch('/p/open');
  session.sent.length = 0;
  await session.create('/p/open', OPEN_ACL_UNSAFE);
  await session.remove('/p/open');
  expect(session.sent).toEqual([
    'NodeCreated /p/open',
    'NodeChildrenChanged /p',
    'create Ok',
    'NodeDeleted /p/open',
    'NodeChildrenChanged /p',
    'delete Ok',
  ]);
});

test('one that is lost is told when the watermark comes; below a recursive watch, that something was missed', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using gateway = await served(faaskeeper);
  const { messaging } = gateway;
  const [watcher, writer] = await Promise.all([gateway.open(), gateway.open()]);
  await writer.create('/mine', OF_ADDRESS);
  await watcher.sync();
  const told = await watcher.watch('/mine');
  messaging.losesIncoming = isOfSystem;
  await writer.set('/mine');
  await watcher.sync();
  expect([told, messaging.lost > 0]).toEqual([['NodeDataChanged /mine'], true]);
  let gaps = 0;
  watcher.engine.onGap = () => void gaps++;
  messaging.losesIncoming = () => false;
  const below = await watcher.watch('/', true);
  await writer.set('/mine');
  await watcher.sync();
  expect([below, gaps]).toEqual([['NodeDataChanged /mine'], 0]);
  messaging.losesIncoming = isOfSystem;
  await writer.create('/mine/child', OF_ADDRESS);
  await watcher.sync();
  expect(gaps).toBe(1);
});

test('closing a session is answered although what it watches can be read no more', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using gateway = await served(faaskeeper);
  const session = await gateway.open();
  await session.create('/mine', OF_ADDRESS);
  await session.watch('/mine');
  await session.do({ type: 'create', path: '/mine/e', data: null, acl: OF_ADDRESS, mode: 'EPHEMERAL' });
  gateway.messaging.losesIncoming = isOfSystem;
  const closing = session.do({ type: 'closeSession' }, true);
  session.engine.closing = true;
  expect((await closing).error).toBeUndefined();
});

test('an identity that a session adds counts from then on', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using gateway = await served(faaskeeper);
  const [watcher, writer] = await Promise.all([gateway.open(), gateway.open()]);
  const told = await watcher.watch('/a');
  await writer.auth('bob:secret');
  await writer.create('/a', [
    { scheme: 'digest', id: digestIdentity('bob:secret'), permissions: Permission.ALL },
    // The address alone may delete, and hears nothing for that.
    { scheme: 'ip', id: '127.0.0.1', permissions: Permission.DELETE },
  ]);
  await watcher.sync();
  expect(told).toEqual([]);
  await watcher.auth('bob:secret');
  await writer.remove('/a');
  await watcher.sync();
  expect(told).toEqual(['NodeDeleted /a']);
});
