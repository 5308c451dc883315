/** An instance in a cluster: its clients come through port-forwards, its pods are killed. */

import { findKubectl, forward, forwardBinding, Kubectl, KubectlError } from '../../../operator/kubectl/index.ts';
import { waitFor } from '../../../operator/servers/index.ts';
import type { Chance } from '../../simulation/random.ts';
import { CHAOS } from '../bounds.ts';
import type { FaultName, Inject, Injected } from '../nemesis/faults.ts';
import type { ChaosSystem } from './system.ts';

/** Of the chart, where they have a pod at the moment: functions may have none, and a release brings one of the S3 stores. */
const FUNCTIONS: readonly string[] = ['writer', 'distributor', 'heartbeat'];
const COMPONENTS: readonly string[] = [
  ...['trigger', 'gateway', 'operator', 'nats', 'redis', 'minio', 'versitygw'],
  ...FUNCTIONS,
];
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
  const kept = undo.move();
  return {
    versions: { Kubernetes: await versionOf(kubectl) },
    native: async () => ({ binding: binding.directory }),
    gateway: async () => ({ host: '127.0.0.1', port: gateway.port }),
    faults: (chance) => new Map([['kill', killer(kubectl, release, chance)]]),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Kills all pods of one component at once, and each component once before any is killed again. */
function killer(kubectl: Kubectl, namespace: string, chance: Chance): Inject {
  const spared = new Set(COMPONENTS);
  return async () => {
    const pods = await podsOf(kubectl, namespace, COMPONENT);
    const there = COMPONENTS.filter((name) => pods.some((pod) => pod.metadata.labels?.[COMPONENT] === name));
    if (!there.some((name) => spared.has(name))) for (const name of there) spared.add(name);
    const component = chance.pick(there.filter((name) => spared.has(name)));
    spared.delete(component);
    return killPods(kubectl, namespace, component);
  };
}

/** It ends when others are ready, or none is wanted. */
async function killPods(kubectl: Kubectl, namespace: string, component: string): Promise<Injected> {
  const selector = `${COMPONENT}=${component}`;
  const killed = new Set((await podsOf(kubectl, namespace, selector)).map(({ metadata }) => metadata.uid));
  const now = ['--force', '--grace-period=0', '--wait=false', '--ignore-not-found'];
  await kubectl.run(['delete', 'pods', '--namespace', namespace, '--selector', selector, ...now]);
  const end = async () => {
    await waitFor(
      async () => {
        const others = (await podsOf(kubectl, namespace, selector)).filter(({ metadata }) => !killed.has(metadata.uid));
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
  return { detail: `${component}: ${killed.size} ${killed.size === 1 ? 'pod' : 'pods'}`, end };
}

/** Those that are not on their way out. */
async function podsOf(kubectl: Kubectl, namespace: string, selector: string): Promise<Pods['items']> {
  const { items } = await kubectl.json<Pods>(['get', 'pods', '--namespace', namespace, '--selector', selector]);
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

async function versionOf(kubectl: Kubectl): Promise<string> {
  const { serverVersion } = await kubectl.json<{ serverVersion?: { gitVersion: string } }>(['version']);
  return serverVersion?.gitVersion ?? 'unknown';
}
