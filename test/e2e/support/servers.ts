/** Servers of a user's own, in a namespace of theirs. */
import { kubectl } from './run.ts';

export interface OwnServer {
  readonly namespace: string;
  /** Of the StatefulSet, and of the Service that names its pods: `<name>-0.<name>.<namespace>.svc`. */
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Name to content, in /etc/server. */
  readonly files?: Readonly<Record<string, string>>;
  /** Default 1. */
  readonly replicas?: number;
}

/** Starts it, with a volume at /data, and waits until it takes connections. It goes with its namespace. */
export async function startServer(server: OwnServer): Promise<void> {
  const { namespace, name } = server;
  const list = { apiVersion: 'v1', kind: 'List', items: [filesOf(server), serviceOf(server), statefulSetOf(server)] };
  await kubectl().run(['apply', '--filename', '-'], JSON.stringify(list));
  const status = ['rollout', 'status', `statefulset/${name}`, '--namespace', namespace, '--timeout=180s'];
  await kubectl().run(status);
}

/** A Secret of values as text; one that is there is replaced. */
export async function putSecret(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  stringData: Readonly<Record<string, string>>,
): Promise<void> {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, stringData };
  await kubectl().run(['apply', '--filename', '-'], JSON.stringify(secret));
}

function filesOf({ namespace, name, files = {} }: OwnServer): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: `${name}-files` }, stringData: files };
}

function serviceOf({ namespace, name, port }: OwnServer): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name },
    // Members of a cluster find each other before they are ready.
    spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: { app: name }, ports: [{ port }] },
  };
}

function statefulSetOf({ namespace, name, image, command, port, env = {}, replicas = 1 }: OwnServer): object {
  const container = {
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    command,
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'HOME', value: '/tmp' },
      ...Object.entries(env).map(([key, value]) => ({ name: key, value })),
    ],
    ports: [{ containerPort: port }],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'files', mountPath: '/etc/server', readOnly: true },
      { name: 'data', mountPath: '/data' },
    ],
  };
  const identity = { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { namespace, name },
    spec: {
      replicas,
      serviceName: name,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { ...identity, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [container],
          volumes: [{ name: 'files', secret: { secretName: `${name}-files` } }],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    },
  };
}
