import { type FaaSKeeper, FINALIZER, instanceIdOf } from '../api/index.ts';
import { type KubernetesObject, type ResourceType, TYPES } from '../kubernetes/index.ts';
import { retainedRecord } from '../resources/index.ts';
import { remove } from './apply.ts';
import type { Outside } from './ports.ts';
import { storagePrefixOf } from './registry.ts';

type Patching = { readonly cluster: Pick<Outside['cluster'], 'mergePatch'> };

/** Before anything is made: what is outside of the resource's namespace is removed by us only. */
export async function holdByFinalizer(
  { cluster }: Patching,
  type: ResourceType<FaaSKeeper>,
  resource: FaaSKeeper,
): Promise<FaaSKeeper> {
  const { finalizers = [], resourceVersion } = resource.metadata;
  if (finalizers.includes(FINALIZER)) return resource;
  const metadata = { finalizers: [...finalizers, FINALIZER], resourceVersion };
  return cluster.mergePatch(type, resource.metadata, { metadata });
}

export async function releaseFinalizer(
  { cluster }: Patching,
  type: ResourceType<FaaSKeeper>,
  resource: FaaSKeeper,
): Promise<void> {
  const { finalizers = [], resourceVersion } = resource.metadata;
  const left = finalizers.filter((finalizer) => finalizer !== FINALIZER);
  await cluster.mergePatch(type, resource.metadata, { metadata: { finalizers: left, resourceVersion } });
}

/**
 * Ends a deleted instance: nobody is served any more, then its data goes or is retained as the policy says, then what it
 * had in the cluster. May be broken off and repeated anywhere.
 */
export async function finalize(outside: Outside, resource: FaaSKeeper): Promise<void> {
  const { data, issuer, recorder, release, cluster, signal, now } = outside;
  const id = instanceIdOf(resource);
  const { type } = resource.spec.userStorage;
  const spec = { id, storagePrefix: storagePrefixOf(resource), userStorage: { type } };
  await data.suspend(id);
  await issuer.revoke(id);
  if (resource.spec.deletionPolicy === 'Retain') {
    await cluster.apply(TYPES.secret, retainedRecord(resource, release.namespace, now()));
    await data.retain(spec, { signal });
    const message = `The data of instance ${id} stays in user storage: spec.restoreFrom.instanceId of a new FaaSKeeper in this namespace takes it up.`;
    recorder.event(resource, 'Normal', 'Retained', message);
  } else {
    await data.purge(spec, { signal });
    recorder.event(resource, 'Normal', 'Purged', `The data of instance ${id} is removed; its backups stay.`);
  }
  await removeChildren(outside, id);
}

/** Everything that was made for an instance, wherever it is. */
export async function removeChildren(
  outside: Pick<Outside, 'cluster' | 'view'>,
  instanceId: string,
): Promise<readonly KubernetesObject[]> {
  const children = outside.view.children(instanceId);
  for (const { type, object } of children) await remove(outside, type, object);
  return children.map(({ object }) => object);
}
