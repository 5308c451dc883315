import { type FaaSKeeper, instanceIdOf, LABELS } from '../api/index.ts';
import { type Service, TYPES } from '../kubernetes/index.ts';
import { gatewayName, gatewayPolicy, gatewayService, ZOOKEEPER_PORT } from '../resources/index.ts';
import { ensure, remove } from './apply.ts';
import { type GatewayPorts, ownerOf } from './gateway-ports.ts';
import { fails, holds, type Outcome, UserError } from './outcome.ts';
import type { Outside } from './ports.ts';

export interface GatewayOutcome extends Outcome {
  /** The instance's port on the gateway's pods. */
  readonly port: number | undefined;
  /** host:port for clients. */
  readonly address: string | undefined;
}

type Needs = Pick<Outside, 'cluster' | 'view' | 'release' | 'recorder'>;

/** The instance's Service and NetworkPolicy, in the namespace of the release: selectors do not cross namespaces. */
export async function reconcileGateway(
  outside: Needs,
  resource: FaaSKeeper,
  ports: GatewayPorts,
): Promise<GatewayOutcome> {
  const { view, release, recorder } = outside;
  const instance = instanceIdOf(resource);
  const mine = view.children(instance).filter(({ type }) => type === TYPES.service || type === TYPES.networkPolicy);
  if (!resource.spec.gateway.enabled) {
    for (const { type, object } of mine) await remove(outside, type, object);
    ports.release(instance);
    const findings = [fails('GatewayReady', 'Disabled', 'spec.gateway.enabled is false: there is no endpoint.')];
    return { findings, port: undefined, address: undefined, status: { gatewayPort: undefined } };
  }
  const name = gatewayName(resource, release.name);
  await refuseForeign(outside, resource, name);
  refuseTakenNames(outside, resource);
  const own = mine.find(({ type }) => type === TYPES.service)?.object as Service | undefined;
  const servicesAt = (port: number) => view.gatewayServicesAt(port);
  const port = ports.claim({ instance, own, servicesAt, range: release.gatewayPorts });
  const deployment = view.deployment(`${release.name}-gateway`);
  const selector = deployment?.spec?.selector?.matchLabels ?? {
    [LABELS.name]: 'faaskeeper',
    'app.kubernetes.io/instance': release.name,
    [LABELS.component]: 'gateway',
  };
  const content = { name, namespace: release.namespace, port, selector, families: release.families };
  // The policy first: nobody else gets in between.
  for (const [type, manifest] of [
    [TYPES.networkPolicy, gatewayPolicy(resource, content)],
    [TYPES.service, gatewayService(resource, content)],
  ] as const) {
    const live = mine.find((child) => child.type === type && child.object.metadata.name === name)?.object;
    const { drifted } = await ensure(outside, type, { manifest, live });
    if (drifted)
      recorder.event(
        resource,
        'Normal',
        'Repaired',
        `${type.kind} ${name} had been changed and is as it should be again.`,
      );
  }
  for (const { type, object } of mine) if (object.metadata.name !== name) await remove(outside, type, object);
  const address = `${name}.${release.namespace}.svc:${ZOOKEEPER_PORT}`;
  return { ...readiness(deployment, release.name), port, address, status: { gatewayPort: port } };
}

function readiness(deployment: ReturnType<Outside['view']['deployment']>, release: string): Outcome {
  if (deployment === undefined) {
    const message = `There is no Deployment ${release}-gateway: is gateway.enabled of the chart false?`;
    return { findings: [fails('GatewayReady', 'NotInstalled', message)] };
  }
  const pods = deployment.status?.availableReplicas ?? 0;
  if (pods > 0) return { findings: [holds('GatewayReady', 'Available', 'The gateway serves the endpoint.')] };
  return { findings: [fails('GatewayReady', 'NoPods', 'No pod of the gateway is available yet.')] };
}

/** A name at the shared TLS port is that of whoever claimed it first: nobody gets the clients of another. */
function refuseTakenNames({ view }: Needs, resource: FaaSKeeper): void {
  for (const name of resource.spec.gateway.tls?.serverNames ?? []) {
    const owner = ownerOf(view.gatewayServicesNamed(name));
    if (owner === undefined || owner === instanceIdOf(resource)) continue;
    const message = `${name} of spec.gateway.tls.serverNames is that of another instance: choose another name.`;
    throw new UserError('ServerNameTaken', message);
  }
}

/** A Service of that name which is not ours stays as it is. */
async function refuseForeign({ cluster, view, release }: Needs, resource: FaaSKeeper, name: string): Promise<void> {
  const { namespace, name: own } = resource.metadata;
  const isOurs = ({ metadata }: Service) =>
    metadata.labels?.[LABELS.namespace] === namespace && metadata.labels?.[LABELS.resource] === own;
  const known = view.gatewayService(name);
  if (known !== undefined && isOurs(known)) return;
  const live = await cluster.get(TYPES.service, release.namespace, name);
  if (live === undefined || isOurs(live)) return;
  throw new UserError(
    'ServiceTaken',
    `The Service ${name} in ${release.namespace} belongs to something else: remove it, or choose another name.`,
  );
}
