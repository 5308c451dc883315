import { declareStreams, type OpenStores } from '@faaskeeper/functions/stores';
import { subjects } from '@faaskeeper/protocol';
import { bytes, text } from '../../contracts/bytes.ts';
import { describeNotificationsContract } from '../../contracts/notifications.ts';
import { servers, uniqueId } from '../../support/servers.ts';
import { openTestStores } from '../../support/stores.ts';

let one: OpenStores;
let two: OpenStores;
beforeAll(async () => {
  [one, two] = await Promise.all([openTestStores(servers()), openTestStores(servers())]);
});
afterAll(() => Promise.all([one.close(), two.close()]));

describeNotificationsContract('core NATS', async () => {
  const instance = uniqueId();
  const spec = { id: instance, storagePrefix: 'unused/', userStorage: { type: 'S3' } } as Parameters<
    OpenStores['instance']
  >[0];
  return { instance, notifications: one.instance(spec).notifications, other: two.instance(spec).notifications };
});

describe('storing', () => {
  test('what is stored twice with one id is there once, and the stream comes with the first message', async () => {
    const spec = await declareStreams(one.nats, { id: uniqueId(), storagePrefix: 'unused/' });
    const { notifications } = one.instance(spec);
    const named = subjects(spec.id);
    for (const id of ['1', '2', '1']) await notifications.store(named.sink('r1'), bytes(`change ${id}`), id);
    await notifications.store(named.sink('r2'), bytes('of another'), '3');
    const lane = two.lane(spec, { sink: 'r1' });
    await lane.open();
    const batch = await lane.next({ messages: 10, bytes: 1_000 }, AbortSignal.timeout(10_000));
    expect(batch.map(({ payload }) => text(payload))).toEqual(['change 1', 'change 2']);
    await lane.close();
  });

  test('dead letters are kept in a stream of their own', async () => {
    const spec = await declareStreams(one.nats, { id: uniqueId(), storagePrefix: 'unused/' });
    const named = subjects(spec.id);
    await one.instance(spec).notifications.store(named.dead('request'), bytes('poison'), '1');
    const manager = await two.nats.jetstreamManager({ checkAPI: false });
    const info = await manager.streams.info(named.streams.dead);
    expect(info.state.messages).toBe(1);
  });

  test('where no stream takes it, storing rejects', async () => {
    const spec = { id: uniqueId(), storagePrefix: 'unused/', userStorage: { type: 'S3' } } as Parameters<
      OpenStores['instance']
    >[0];
    await expect(one.instance(spec).notifications.store(`fk.${spec.id}.nowhere`, bytes('x'), '1')).rejects.toThrow();
  });
});
