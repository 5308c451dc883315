import { randomBytes } from 'node:crypto';
import { openStores } from '@faaskeeper/functions/stores';
import { instanceSpecSchema, validate } from '@faaskeeper/protocol';
import type { FaaSKeeperSystem } from '../systems/faaskeeper.ts';

/** The stores of an instance that only names a place in them: nobody serves it. */
export async function storeOf(system: FaaSKeeperSystem) {
  const open = await openStores(system.servers.stores, { name: 'faaskeeper-bench' });
  const id = `bench${randomBytes(4).toString('hex')}`;
  const spec = validate(instanceSpecSchema, { id, storagePrefix: `${id}/` }, 'instance spec');
  return { ...open.instance(spec), open, id, [Symbol.asyncDispose]: () => open.close() };
}
