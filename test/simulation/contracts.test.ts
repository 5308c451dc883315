/** The simulated servers do what the real ones do. */
import { instanceSpecSchema, subjects, validate } from '@faaskeeper/protocol';
import { HybridUserStorage } from '../../functions/stores/hybrid/index.ts';
import { describeHybridContract } from '../contracts/hybrid.ts';
import { describeLaneContract } from '../contracts/lane.ts';
import { describeLogContract } from '../contracts/log.ts';
import { describeNotificationsContract } from '../contracts/notifications.ts';
import { describeSystemStoreContract } from '../contracts/system-store.ts';
import { describeUserStorageContract } from '../contracts/user-storage.ts';
import { FAIR, Link } from './network.ts';
import { SimProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';
import { SimLane } from './servers/lane.ts';
import { SimLogServer, simLog } from './servers/log.ts';
import { NatsConnection, SimNatsServer, simNotifications } from './servers/nats.ts';
import { SimRecordServer, simRedis } from './servers/records.ts';
import { SimStoreServer, simSystemStore } from './servers/system-store.ts';
import { SimObjectServer, simUserStorage } from './servers/user-storage.ts';

/** A loaded machine may take long, ms. */
jest.setTimeout(60_000);

function world() {
  const scheduler = new Scheduler(1);
  scheduler.runByItself();
  const process = (name: string) => new SimProcess(scheduler, name);
  const link = (name: string, ordered: boolean) =>
    new Link(process(name), { name, weather: { ...FAIR }, ordered, timeoutMs: 10_000 });
  return { scheduler, process, link, now: () => scheduler.now };
}

function natsWorld() {
  const { scheduler, process, now } = world();
  const log = new SimLogServer(now);
  const weather = { ...FAIR, lostMessage: 0, slowInterest: 0, interestMs: 0 };
  const server = new SimNatsServer(scheduler, subjects('sim'), weather, log);
  return { server, log, connection: (name: string) => new NatsConnection(process(name), server) };
}

describeLogContract('simulated', async () => {
  const { link, now } = world();
  const server = new SimLogServer(now);
  return { log: simLog(link('one', true), server), other: simLog(link('two', true), server) };
});

describeSystemStoreContract('simulated', async () => {
  const { link, now } = world();
  const server = new SimStoreServer(now);
  return {
    store: simSystemStore(link('one', true), server),
    other: simSystemStore(link('two', true), server),
    wipe: async () => server.wipe(),
  };
});

describe.each([true, false])('with conditional deletes: %s', (conditionalDelete) => {
  describeUserStorageContract('simulated', async () => {
    const { link } = world();
    const server = new SimObjectServer();
    server.conditionalDelete = conditionalDelete;
    return { storage: simUserStorage(link('one', false), server), prefix: 'sim/' };
  });
});

function hybridWorld() {
  const { link } = world();
  const records = new SimRecordServer();
  const objects = new SimObjectServer();
  const redis = simRedis(link('redis', true), records);
  const spec = validate(
    instanceSpecSchema,
    { id: 'sim', storagePrefix: 'sim/', userStorage: { type: 'Hybrid' } },
    'spec',
  );
  const open = () => {
    const own = simRedis(link('process', true), records);
    return new HybridUserStorage(own, simUserStorage(link('process', false), objects), spec);
  };
  return { spec, storage: open(), others: open, redis };
}

for (const area of ['pub/n/', 'pub/d/']) {
  describeUserStorageContract(`simulated Hybrid, below ${area}`, async () => {
    const { storage } = hybridWorld();
    await storage.coverage.clear();
    return { storage, prefix: `sim/${area}` };
  });
}

describeHybridContract('simulated', async () => hybridWorld());

describeNotificationsContract('simulated', async () => {
  const { server, connection } = natsWorld();
  return {
    instance: 'sim',
    notifications: simNotifications(connection('one'), server),
    other: simNotifications(connection('two'), server),
  };
});

describeLaneContract('simulated, requests', async () => {
  const { server, connection } = natsWorld();
  return {
    source: () => new SimLane(connection('owner'), server.requests),
    send: async (payload) => server.publish(subjects('sim').systemRequest, payload),
  };
});

describeLaneContract('simulated, log', async () => {
  const { server, log, connection } = natsWorld();
  return {
    source: () => new SimLane(connection('owner'), server.log),
    send: async (payload) => {
      log.append(payload, log.last);
      return log.last;
    },
  };
});
