import { decodeAs } from '@faaskeeper/protocol';
import { sinkEventSchema } from '../../../functions/core/invocations.ts';
import { rollForward } from '../../../functions/core/roll-forward.ts';
import { PRIVATE_ACL, TreeModel } from '../../support/tree-model.ts';
import { type TestInstance, testInstance } from './instance.ts';

function recording(instance: TestInstance) {
  const stored: string[] = [];
  const { notifications } = instance.outside;
  return {
    stored,
    notifications: {
      publish: notifications.publish.bind(notifications),
      flush: () => notifications.flush(),
      subscribe: notifications.subscribe.bind(notifications),
      async store(subject: string, payload: Uint8Array, id: string) {
        const event = decodeAs(sinkEventSchema, payload, 'event');
        await notifications.store(subject, payload, id);
        stored.push(`${event.registration} ${event.kind} ${event.path} ${event.zxid}`);
      },
    },
  };
}

const registered = (id: string, kind: 'data' | 'children' | 'exists' | 'recursive', path: string) =>
  ({ register: { id, kind, path, sink: 'http://localhost/sink' } }) as const;

test('each registration gets the changes after it, of its kind, in zxid order; nothing of protected nodes', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  model.entry(
    [{ create: '/a' }],
    [registered('d', 'data', '/a'), registered('r', 'recursive', '/a')],
    [registered('c', 'children', '/a')],
  );
  model.entry(
    [{ create: '/a/b' }],
    [{ set: '/a', data: null }],
    [{ create: '/a/s', acl: PRIVATE_ACL }],
    [registered('e', 'exists', '/a/b')],
  );
  await model.append(instance.outside.log);
  const first = recording(instance);
  await instance
    .distributor({ notifications: first.notifications })
    .handle({ messages: [model.message(model.entries[1]!)] });
  const of = (id: string, stored: string[]) => stored.filter((line) => line.startsWith(`${id} `));
  expect(of('d', first.stored)).toEqual(['d data /a 5']);
  expect(of('r', first.stored)).toEqual(['r created /a/b 4', 'r data /a 5']);
  expect(of('c', first.stored)).toEqual(['c children /a 4', 'c children /a 6']);
  // Another process knows them from the system store, which it finds behind.
  model.entry([{ unregister: { id: 'r', path: '/a', kind: 'recursive', sink: '', zxid: 2 } }], [{ remove: '/a/b' }]);
  await model.append(instance.outside.log, 2);
  const second = recording(instance);
  await instance
    .distributor({ notifications: second.notifications })
    .handle({ messages: [model.message(model.entries[2]!)] });
  expect(second.stored.filter((line) => line.endsWith(' 9')).sort()).toEqual(['c children /a 9', 'e deleted /a/b 9']);
  expect(await rollForward(instance.outside, instance.spec)).toMatchObject({ applied: 3 });
});
