import { OperationTimeoutError } from '@faaskeeper/client';
import { InstanceData } from '../../../operator/data/index.ts';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';
import { privateServers } from '../../support/servers.ts';
import { eventually, openTestStores } from '../../support/stores.ts';
import { openData, silent } from './support.ts';

const instance = { sessions: { minTimeout: 1_000, maxTimeout: 40_000 } } as const;

async function metric(url: string, name: string, id: string): Promise<string | undefined> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text.split('\n').find((line) => line.startsWith(name) && line.includes(`instance="${id}"`));
}

test('a suspended instance takes no writes and tells its clients; resumed, their sessions and writes go on', async () => {
  await using faaskeeper = await startFaaSKeeper({ instance });
  await using own = await openData();
  const client = await faaskeeper.connect({ sessionTimeout: 1_500 });
  await client.create('/kept', 'one');
  await client.create('/mine', null, { mode: 'EPHEMERAL' });
  const session = client.sessionId;

  expect(await own.data.suspend(faaskeeper.spec.id)).toBe(true);
  expect(await own.data.suspend(faaskeeper.spec.id)).toBe(false);
  await eventually(
    async () => (await metric(faaskeeper.urls.trigger, 'faaskeeper_instance_owned', faaskeeper.spec.id)) === undefined,
  );
  const waiting = client.setData('/kept', 'two');
  const impatient = client.create('/never-sent-twice', null, { timeout: 200 });
  await expect(impatient).rejects.toThrow(OperationTimeoutError);
  await eventually(() => client.state === 'suspended');

  // Longer than the session's timeout: nobody expires it meanwhile.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(client.state).toBe('suspended');
  await own.data.declare(faaskeeper.spec);
  expect(await waiting).toMatchObject({ version: 1 });
  await eventually(() => client.state === 'connected');
  expect(client.sessionId).toBe(session);
  await client.sync();
  expect(Buffer.from((await client.getData('/kept')).data ?? '').toString()).toBe('two');
  expect(await client.exists('/mine')).toMatchObject({ ephemeralOwner: session });
});

test('a function keeps nothing of an instance that was suspended', async () => {
  await using own = await privateServers();
  await using faaskeeper = await startFaaSKeeper({ servers: own.addresses });
  const stores = await openTestStores(own.addresses);
  const client = await faaskeeper.connect();
  await client.create('/a');
  await client.close();
  const instances = async () => {
    const text = await (await fetch(`${faaskeeper.urls.writer}/metrics`)).text();
    return /^faaskeeper_instances\{[^}]*\} (\d+)$/m.exec(text)?.[1];
  };
  expect(await instances()).toBe('1');
  await new InstanceData(stores, silent).suspend(faaskeeper.spec.id);
  await eventually(async () => (await instances()) === '0');
  await stores.close();
});
