import { type InstanceSpec, instanceSpecSchema, validate } from '@faaskeeper/protocol';
import { Redis } from 'ioredis';
import type { Coverage, UserStorage } from '../../../functions/core/ports.ts';
import { openStores } from '../../../functions/stores/index.ts';
import { describeHybridContract } from '../../contracts/hybrid.ts';
import { describeUserStorageContract } from '../../contracts/user-storage.ts';
import { servers, uniqueId } from '../../support/servers.ts';
import { storesConfigOf } from '../../support/stores.ts';

let stores: Awaited<ReturnType<typeof openStores>>;
let redis: Redis;
beforeAll(async () => {
  stores = await openStores(storesConfigOf(servers()));
  redis = new Redis(servers().redisUrl);
});
afterAll(async () => {
  await stores.close();
  redis.disconnect();
});

function newSpec(): InstanceSpec {
  const id = uniqueId();
  return validate(instanceSpecSchema, { id, storagePrefix: `${id}/`, userStorage: { type: 'Hybrid' } }, 'spec');
}

async function filled(spec: InstanceSpec): Promise<UserStorage & { coverage: Coverage }> {
  const storage = stores.instance(spec).objects as UserStorage & { coverage: Coverage };
  await storage.coverage.clear();
  return storage;
}

for (const area of ['pub/n/', 'pub/d/']) {
  describeUserStorageContract(`Hybrid, below ${area}`, async () => {
    const spec = newSpec();
    return { storage: await filled(spec), prefix: `${spec.storagePrefix}${area}` };
  });
}

describeHybridContract('real', async () => {
  const spec = newSpec();
  const open = () => stores.instance(spec).objects as UserStorage & { coverage: Coverage };
  return { spec, storage: open(), others: open, redis };
});
