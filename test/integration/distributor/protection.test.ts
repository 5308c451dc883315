import { changeMessageSchema, decodeAs, OPEN_ACL_UNSAFE, subjects } from '@faaskeeper/protocol';
import { PRIVATE_ACL, TreeModel } from '../../support/tree-model.ts';
import { expectVisible, type TestInstance, testInstance } from './instance.ts';

const SECRET = 'top-secret';
const secret = new Uint8Array(Buffer.from(SECRET));

async function publicBytes(instance: TestInstance): Promise<string> {
  const bodies: string[] = [];
  for await (const page of instance.outside.objects.list(instance.keys.public)) {
    for (const key of page) {
      const stored = await instance.outside.objects.get(key);
      bodies.push(Buffer.from(stored?.body ?? []).toString('latin1'));
    }
  }
  return bodies.join('\n');
}

test('data and children of a node that not everyone may read are nowhere below the public prefix', async () => {
  await using instance = await testInstance();
  const model = new TreeModel();
  const heard: string[] = [];
  const out = instance.outside.notifications.subscribe(`fk.${instance.spec.id}.out.c.>`, (payload) => {
    heard.push(decodeAs(changeMessageSchema, payload, 'change').path);
  });
  await instance.outside.notifications.flush();
  const distributor = instance.distributor();
  const step = async (...steps: Parameters<TreeModel['entry']>) => {
    const entry = model.entry(...steps);
    await model.append(instance.outside.log, model.entries.length - 1);
    await distributor.handle({ messages: [model.message(entry)] });
    await expectVisible(instance, model);
  };
  await step([{ create: '/s', data: secret, acl: PRIVATE_ACL }]);
  await step([{ create: '/s/hidden-child', data: secret, acl: PRIVATE_ACL }]);
  expect(await publicBytes(instance)).not.toContain(SECRET);
  await step([{ acl: '/s', to: OPEN_ACL_UNSAFE }]);
  expect(await publicBytes(instance)).toContain(SECRET);
  await step([{ acl: '/s', to: PRIVATE_ACL }]);
  expect(await publicBytes(instance)).not.toContain(SECRET);
  await step([{ set: '/s', data: secret }], [{ remove: '/s/hidden-child' }]);
  await step([{ remove: '/s' }]);
  expect(await publicBytes(instance)).not.toContain(SECRET);
  await step([{ create: '/s', data: new Uint8Array(0) }]);
  await instance.outside.notifications.flush();
  out.close();
  expect(heard).toEqual(['/s']);
  expect(subjects(instance.spec.id).change('/s')).toBe(`fk.${instance.spec.id}.out.c.s`);
});
