/** An operator as a process of its own, on a control plane and the run's servers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { customResourceDefinition, type FaaSKeeper, findCondition } from '../../operator/api/index.ts';
import { makeCredentials } from '../../operator/credentials/index.ts';
import { freePorts } from '../../operator/servers/index.ts';
import { type ControlPlane, controlPlaneAssets, startControlPlane } from './control-plane.ts';
import type { TestServers } from './servers.ts';

export const RELEASE = { namespace: 'faaskeeper-system', name: 'faaskeeper' } as const;
const WAIT_MS = 30_000;

/** A describe block for tests with a control plane; skipped, and said so, where there is none on this machine. */
export function describeWithControlPlane(title: string, block: (assets: string) => void): void {
  const assets = controlPlaneAssets();
  if (assets !== undefined) {
    describe(title, () => block(assets));
    return;
  }
  describe.skip(title, () => {
    it('needs etcd and kube-apiserver: set KUBEBUILDER_ASSETS to their directory', () => {});
  });
}

/** A control plane with the CRD and the namespace of the release. */
export async function startCluster(assets: string): Promise<ControlPlane> {
  const plane = await startControlPlane(assets);
  await expectStatus(
    plane,
    'POST',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    customResourceDefinition,
  );
  await makeNamespace(plane, RELEASE.namespace);
  await until(async () => (await plane.request('GET', '/apis/faaskeeper.io/v1alpha1/faaskeepers')).status === 200);
  return plane;
}

export async function makeNamespace(plane: ControlPlane, name: string): Promise<void> {
  const metadata = { name, labels: { 'kubernetes.io/metadata.name': name } };
  await expectStatus(plane, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
}

async function expectStatus(plane: ControlPlane, method: string, path: string, body?: unknown): Promise<void> {
  const { status, body: answer } = await plane.request(method, path, body);
  if (status >= 300) throw new Error(`${method} ${path} was answered ${status}: ${JSON.stringify(answer)}`);
}

export interface RunningOperator {
  readonly port: number;
  readonly log: () => string;
  readonly exited: Promise<number | null>;
  kill(signal?: NodeJS.Signals): void;
  stop(): Promise<number | null>;
}

export async function startOperator(
  plane: ControlPlane,
  servers: TestServers,
  environment: Readonly<Record<string, string>> = {},
): Promise<RunningOperator> {
  const dir = await mkdtemp(join(tmpdir(), 'faaskeeper-operator-'));
  const made = await makeCredentials({}, { bundled: ['nats'], redisHost: 'unused' });
  await writeFile(join(dir, 'seed'), made['nats-account-seed'] ?? '');
  const [port = 0] = await freePorts(1);
  const child = spawn(process.execPath, ['--conditions=source', join(import.meta.dirname, '../../operator/main.ts')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      KUBECONFIG: plane.kubeconfig,
      PORT: String(port),
      FAASKEEPER_NAMESPACE: RELEASE.namespace,
      FAASKEEPER_RELEASE: RELEASE.name,
      FAASKEEPER_NATS_URL: servers.natsUrl,
      FAASKEEPER_NATS_USER: servers.natsUser,
      FAASKEEPER_NATS_PASSWORD: servers.natsPassword,
      FAASKEEPER_NATS_ACCOUNT: made['nats-account'] ?? '',
      FAASKEEPER_NATS_ACCOUNT_SEED: join(dir, 'seed'),
      FAASKEEPER_REDIS_URL: servers.redisUrl,
      FAASKEEPER_S3_ENDPOINT: servers.s3.endpoint,
      FAASKEEPER_S3_REGION: servers.s3.region,
      FAASKEEPER_S3_BUCKET: servers.s3.bucket,
      FAASKEEPER_S3_ACCESS_KEY_ID: servers.s3.accessKeyId,
      FAASKEEPER_S3_SECRET_ACCESS_KEY: servers.s3.secretAccessKey,
      FAASKEEPER_S3_CREDENTIALS_MODE: 'none',
      ...environment,
    },
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (log += text));
  const exited = once(child, 'exit').then(async ([code]) => {
    await rm(dir, { recursive: true, force: true });
    return code as number | null;
  });
  return {
    port,
    log: () => log,
    exited,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    stop: async () => {
      child.kill('SIGTERM');
      return exited;
    },
  };
}

const INSTANCES = '/apis/faaskeeper.io/v1alpha1/namespaces';

/** The resources of one namespace, as a user handles them. */
export class Instances {
  readonly #plane: ControlPlane;
  readonly #path: string;
  readonly namespace: string;

  constructor(plane: ControlPlane, namespace: string) {
    this.#plane = plane;
    this.namespace = namespace;
    this.#path = `${INSTANCES}/${namespace}/faaskeepers`;
  }

  async create(name: string, spec?: object) {
    const body = { apiVersion: 'faaskeeper.io/v1alpha1', kind: 'FaaSKeeper', metadata: { name }, spec };
    return this.#plane.request<FaaSKeeper & { message?: string }>('POST', this.#path, body);
  }

  async patch(name: string, patch: object) {
    const type = 'application/merge-patch+json';
    return this.#plane.request<FaaSKeeper & { message?: string }>('PATCH', `${this.#path}/${name}`, patch, type);
  }

  async get(name: string): Promise<FaaSKeeper | undefined> {
    const { status, body } = await this.#plane.request<FaaSKeeper>('GET', `${this.#path}/${name}`);
    return status === 200 ? body : undefined;
  }

  async delete(name: string): Promise<void> {
    await this.#plane.request('DELETE', `${this.#path}/${name}`);
  }

  /** The resource, as soon as the check holds. */
  until(name: string, check: (resource: FaaSKeeper) => boolean): Promise<FaaSKeeper> {
    return until(
      async () => {
        const resource = await this.get(name);
        return resource !== undefined && check(resource) ? resource : undefined;
      },
      async () => JSON.stringify((await this.get(name))?.status, null, 1),
    );
  }

  untilCondition(name: string, type: Parameters<typeof findCondition>[1], reason: string): Promise<FaaSKeeper> {
    return this.until(name, ({ status }) => findCondition(status?.conditions ?? [], type)?.reason === reason);
  }

  untilGone(name: string): Promise<unknown> {
    return until(async () => (await this.get(name)) === undefined);
  }
}

/** What `look` finds as soon as that is something. */
export async function until<T>(
  look: () => Promise<T>,
  found: () => Promise<string> = async () => '',
): Promise<NonNullable<T>> {
  const begun = performance.now();
  for (;;) {
    const value = await look();
    if (value) return value;
    if (performance.now() - begun > WAIT_MS) throw new Error(`Not within ${WAIT_MS} ms. ${await found()}`);
    await sleep(50);
  }
}

/** Objects that the operator needs of the release: a gateway that is available, and functions that are ready. */
export async function installRelease(plane: ControlPlane, { knative = true } = {}): Promise<void> {
  const { namespace, name } = RELEASE;
  const labels = { 'app.kubernetes.io/part-of': 'faaskeeper', 'app.kubernetes.io/component': 'gateway' };
  const pod = { metadata: { labels }, spec: { containers: [{ name: 'gateway', image: 'gateway' }] } };
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const metadata = { name: `${name}-gateway`, labels };
  const spec = { replicas: 1, selector: { matchLabels: labels }, template: pod };
  await expectStatus(plane, 'POST', deployments, { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec });
  const status = { replicas: 1, readyReplicas: 1, availableReplicas: 1, observedGeneration: 1 };
  const merge = 'application/merge-patch+json';
  await plane.request('PATCH', `${deployments}/${name}-gateway/status`, { status }, merge);
  if (!knative) return;
  await expectStatus(plane, 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', knativeDefinition);
  const services = `/apis/serving.knative.dev/v1/namespaces/${namespace}/services`;
  await until(async () => (await plane.request('GET', services)).status === 200);
  for (const one of ['writer', 'distributor', 'watch', 'heartbeat']) {
    const service = `${name}-${one}`;
    await expectStatus(plane, 'POST', services, {
      apiVersion: 'serving.knative.dev/v1',
      kind: 'Service',
      metadata: { name: service, labels: { 'app.kubernetes.io/part-of': 'faaskeeper' } },
      spec: {
        template: { spec: { containers: [{ name: 'function', image: 'image', env: [{ name: 'A', value: 'b' }] }] } },
      },
    });
    await setFunctionReady(plane, service);
  }
}

/** As Knative would. */
export async function setFunctionReady(plane: ControlPlane, name: string): Promise<void> {
  const path = `/apis/serving.knative.dev/v1/namespaces/${RELEASE.namespace}/services/${name}`;
  const { body } = await plane.request<{ metadata: { generation: number } }>('GET', path);
  const url = `http://${name}.${RELEASE.namespace}.svc.cluster.local`;
  const status = {
    observedGeneration: body.metadata.generation,
    url,
    address: { url },
    conditions: [{ type: 'Ready', status: 'True' }],
  };
  await plane.request('PATCH', `${path}/status`, { status }, 'application/merge-patch+json');
}

const knativeDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'services.serving.knative.dev' },
  spec: {
    group: 'serving.knative.dev',
    scope: 'Namespaced',
    names: { kind: 'Service', listKind: 'ServiceList', plural: 'services', singular: 'service' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
