/** An instance in a cluster: its clients come through port-forwards, its pods are killed. */

import { findKubectl, forward, forwardBinding, Kubectl, KubectlError } from '../../../operator/kubectl/index.ts';
import { waitFor } from '../../../operator/servers/index.ts';
import type { Chance } from '../../simulation/random.ts';
import { CHAOS } from '../bounds.ts';
import type { FaultName, Inject, Injected } from '../nemesis/faults.ts';
import type { ChaosSystem } from './system.ts';

/** Of the chart. Functions may have no pod at the moment. */
const FUNCTIONS: readonly string[] = ['writer', 'distributor', 'heartbeat'];
/** Which of the servers a release brings is a setting of it. */
const OTHERS = ['trigger', 'gateway', 'operator', 'nats', 'redis', 'minio', 'versitygw'] as const;
const COMPONENT = 'app.kubernetes.io/component';

interface Pods {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly uid: string;
      readonly deletionTimestamp?: string;
      readonly labels?: Readonly<Record<string, string>>;
    };
    readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }[];
}

export interface ClusterSystem extends ChaosSystem {
  faults(chance: Chance): Map<FaultName, Inject>;
}

/** @param instance `namespace/name` of a FaaSKeeper resource. @throws KubectlError */
export async function openClusterSystem(instance: string): Promise<ClusterSystem> {
  const program = findKubectl();
  if (program === undefined)
    throw new KubectlError('kubectl is not on this machine: https://kubernetes.io/docs/tasks/tools/');
  const kubectl = new Kubectl(program);
  const [namespace, name] = instance.split('/') as [string, string];
  await using undo = new AsyncDisposableStack();
  const binding = undo.use(await forwardBinding(kubectl, { namespace, name }));
  const resource = await kubectl.json<{ status?: { endpoints?: { zookeeper?: string } } }>([
    'get',
    'faaskeepers.faaskeeper.io',
    '--namespace',
    namespace,
    name,
  ]);
  const [host = '', port] = (resource.status?.endpoints?.zookeeper ?? '').split(':');
  const [service, release] = host.split('.');
  if (service === undefined || release === undefined) throw new KubectlError(`${instance} has no gateway`);
  const gateway = undo.use(
    await forward(kubectl, { namespace: release, to: `service/${service}`, port: Number(port) }),
  );
  const { items } = await kubectl.json<Pods>(['get', 'pods', '--namespace', release, '--selector', COMPONENT]);
  const there = new Set(items.map(({ metadata }) => metadata.labels?.[COMPONENT]));
  const components = [...OTHERS.filter((one) => there.has(one)), ...FUNCTIONS];
  const kept = undo.move();
  return {
    versions: { Kubernetes: await versionOf(kubectl) },
    native: async () => ({ binding: binding.directory }),
    gateway: async () => ({ host: '127.0.0.1', port: gateway.port }),
    faults: (chance) => new Map([['kill', () => killPods(kubectl, release, chance.pick(components))]]),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** All pods of a component at once; it ends when others are ready, or none is wanted. */
async function killPods(kubectl: Kubectl, namespace: string, component: string): Promise<Injected> {
  const selector = ['--namespace', namespace, '--selector', `${COMPONENT}=${component}`];
  const pods = async () => (await kubectl.json<Pods>(['get', 'pods', ...selector])).items;
  const killed = new Set((await pods()).map(({ metadata }) => metadata.uid));
  const now = ['--force', '--grace-period=0', '--wait=false', '--ignore-not-found'];
  await kubectl.run(['delete', 'pods', ...selector, ...now]);
  const end = async () => {
    await waitFor(
      async () => {
        const others = (await pods()).filter(
          ({ metadata }) => !killed.has(metadata.uid) && metadata.deletionTimestamp === undefined,
        );
        const ready = others.filter(({ status }) =>
          status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
        );
        if (ready.length < others.length || (others.length === 0 && !FUNCTIONS.includes(component))) {
          throw new Error(`a pod of the ${component} is not ready`);
        }
      },
      { timeoutMs: CHAOS.nemesisMs, intervalMs: 500 },
    );
  };
  return { detail: `${killed.size} pods of the ${component}`, end };
}

async function versionOf(kubectl: Kubectl): Promise<string> {
  const { serverVersion } = await kubectl.json<{ serverVersion?: { gitVersion: string } }>(['version']);
  return serverVersion?.gitVersion ?? 'unknown';
}
