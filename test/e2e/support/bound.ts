import type { FaaSKeeper } from '../../../operator/api/index.ts';
import { type Agent, agentOf } from './agent.ts';
import { declare, type Name, namespaceOf, removeNamespace, untilReady } from './instances.ts';
import { progress } from './run.ts';

/** A ready instance in a namespace of its own, and a user's pod beside it. */
export interface Bound extends AsyncDisposable {
  readonly name: Name;
  readonly resource: FaaSKeeper;
  readonly agent: Agent;
}

/** Everything goes with it, the data too. */
export async function boundInstance(what: string, spec: object = {}): Promise<Bound> {
  const namespace = await namespaceOf(what);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => removeNamespace(namespace));
  const name = { namespace, name: 'orders' };
  await declare(name, { deletionPolicy: 'Delete', ...spec });
  const resource = await untilReady(name);
  progress(`${namespace}/${name.name} is ready`);
  const agent = undo.use(await agentOf({ ...name, secretName: secretOf(resource) }));
  const kept = undo.move();
  return { name, resource, agent, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Name of the Secret that clients mount. */
export function secretOf({ status }: FaaSKeeper): string {
  const name = status?.binding?.name;
  if (name === undefined) throw new Error('The status names no binding');
  return name;
}

/** The instance's id in NATS, Redis and S3. */
export function idOf({ status }: FaaSKeeper): string {
  const id = status?.instanceId;
  if (id === undefined) throw new Error('The status names no instance');
  return id;
}

/** The Service of its gateway. */
export function endpointOf({ status }: FaaSKeeper): { host: string; port: number; service: string; namespace: string } {
  const [host = '', port = ''] = (status?.endpoints?.zookeeper ?? '').split(':');
  const [service = '', namespace = ''] = host.split('.');
  return { host, port: Number(port), service, namespace };
}
