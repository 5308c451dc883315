import { ANNOTATIONS, type FaaSKeeper } from '../api/index.ts';
import { type Manifest, type Service, TYPES } from '../kubernetes/index.ts';
import { labelsOf } from './names.ts';

/** The port of ZooKeeper's clients. */
export const ZOOKEEPER_PORT = 2181;

export interface GatewayContent {
  readonly name: string;
  /** Namespace of the release. */
  readonly namespace: string;
  /** The instance's own port on the gateway's pods. */
  readonly port: number;
  /** Selects the gateway's pods. */
  readonly selector: Readonly<Record<string, string>>;
  readonly families?: ServiceFamilies | undefined;
}

/** Which of IPv4 and IPv6 a Service has, in Kubernetes' words. Default: the cluster's. */
export interface ServiceFamilies {
  readonly ipFamilyPolicy?: string;
  readonly ipFamilies?: readonly string[];
}

/** An address of the instance's own: port 2181 leads to its port on the shared pods. */
export function gatewayService(
  resource: FaaSKeeper,
  { name, namespace, port, selector, families }: GatewayContent,
): Manifest {
  const { exposure, annotations, tls } = resource.spec.gateway;
  const names = tls?.serverNames?.join(',');
  const { apiVersion, kind } = TYPES.service;
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      labels: labelsOf(resource, 'gateway'),
      annotations: { ...annotations, ...(names === undefined ? {} : { [ANNOTATIONS.serverNames]: names }) },
    },
    spec: {
      type: exposure,
      ...families,
      selector,
      ports: [{ name: 'zookeeper', protocol: 'TCP', appProtocol: 'tcp', port: ZOOKEEPER_PORT, targetPort: port }],
    },
  };
}

/** The port on the gateway's pods that an instance's Service leads to. */
export function gatewayPortOf({ spec }: Service): number | undefined {
  const port = spec?.ports?.[0]?.targetPort;
  return typeof port === 'number' ? port : undefined;
}

/** The TLS server names that an instance's Service claims: each leads to one instance. */
export function serverNamesOf({ metadata }: Service): readonly string[] {
  return metadata.annotations?.[ANNOTATIONS.serverNames]?.split(',') ?? [];
}

/** Lets the namespace of the resource, and who else its spec names, to the instance's port. */
export function gatewayPolicy(resource: FaaSKeeper, { name, namespace, port, selector }: GatewayContent): Manifest {
  const { apiVersion, kind } = TYPES.networkPolicy;
  const others = (resource.spec.gateway.from ?? []).map(({ namespaces, cidr }) =>
    cidr === undefined ? { namespaceSelector: { matchLabels: namespaces ?? {} } } : { ipBlock: { cidr } },
  );
  const own = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': resource.metadata.namespace } } };
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, labels: labelsOf(resource, 'gateway') },
    spec: {
      podSelector: { matchLabels: selector },
      policyTypes: ['Ingress'],
      ingress: [{ from: [own, ...others], ports: [{ protocol: 'TCP', port }] }],
    },
  };
}
