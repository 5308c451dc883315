/**
 * A Kubernetes API server for tests of the operator: etcd and kube-apiserver from $KUBEBUILDER_ASSETS or from the cache
 * of the cluster kit, on free ports, with empty data (as envtest has it). Nothing runs pods or collects garbage.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { freePorts, ManagedProcess } from '../../operator/servers/index.ts';

export interface ControlPlane {
  /** Path of a kubeconfig with all rights. */
  readonly kubeconfig: string;
  /** Sends a request to the API server; a body is JSON. */
  request<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<ApiAnswer<T>>;
  stop(): Promise<void>;
}

export interface ApiAnswer<T> {
  readonly status: number;
  readonly body: T;
}

/** Where etcd and kube-apiserver are, or undefined: then tests that need them are skipped. */
export function controlPlaneAssets(): string | undefined {
  const { KUBEBUILDER_ASSETS, FK_CACHE } = process.env;
  const places = [KUBEBUILDER_ASSETS, join(FK_CACHE ?? join(homedir(), '.cache/faaskeeper-cluster'), 'bin')];
  return places.find((dir) => dir && ['etcd', 'kube-apiserver'].every((name) => existsSync(join(dir, name))));
}

const startTimeoutMs = 90_000;

export async function startControlPlane(assets: string): Promise<ControlPlane> {
  const dir = await mkdtemp(join(tmpdir(), 'faaskeeper-control-plane-'));
  const ports = await freePorts(3);
  const [etcdPort, peerPort, port] = ports as [number, number, number];
  makeKeys(dir);
  const dispatcher = new Agent({
    connect: {
      ca: await readFile(join(dir, 'ca.crt')),
      cert: await readFile(join(dir, 'admin.crt')),
      key: await readFile(join(dir, 'admin.key')),
    },
  });
  const server = `https://127.0.0.1:${port}`;
  const request: ControlPlane['request'] = async (method, path, body, contentType = 'application/json') => {
    const answer = await fetch(`${server}${path}`, {
      method,
      dispatcher,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': contentType } }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text.startsWith('{') ? JSON.parse(text) : text) as never };
  };
  const etcd = new ManagedProcess(etcdSpec(assets, dir, etcdPort, peerPort));
  const api = new ManagedProcess(apiServerSpec(assets, dir, etcdPort, port, request));
  const stop = async () => {
    await api.stop();
    await etcd.stop();
    await dispatcher.destroy();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await etcd.start();
    await api.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const kubeconfig = join(dir, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(dir, server));
  return { kubeconfig, request, stop };
}

function etcdSpec(assets: string, dir: string, port: number, peerPort: number) {
  const url = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return {
    title: 'etcd',
    command: join(assets, 'etcd'),
    args: [
      '--name=test',
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=test=${peer}`,
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
    host: '127.0.0.1',
    port,
    portFlag: '',
    logFile: join(dir, 'etcd.log'),
    readyTimeoutMs: startTimeoutMs,
    ready: async () => {
      const answer = await fetch(`${url}/health`);
      if (!answer.ok) throw new Error(`etcd answers ${answer.status}`);
    },
  };
}

function apiServerSpec(assets: string, dir: string, etcdPort: number, port: number, request: ControlPlane['request']) {
  return {
    title: 'kube-apiserver',
    command: join(assets, 'kube-apiserver'),
    args: [
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      `--secure-port=${port}`,
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      '--enable-priority-and-fairness=false',
      `--client-ca-file=${join(dir, 'ca.crt')}`,
      `--tls-cert-file=${join(dir, 'server.crt')}`,
      `--tls-private-key-file=${join(dir, 'server.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${join(dir, 'accounts.pub')}`,
      `--service-account-signing-key-file=${join(dir, 'accounts.key')}`,
    ],
    host: '127.0.0.1',
    port,
    portFlag: '',
    logFile: join(dir, 'kube-apiserver.log'),
    readyTimeoutMs: startTimeoutMs,
    ready: async () => {
      const { status } = await request('GET', '/readyz');
      if (status !== 200) throw new Error(`kube-apiserver answers ${status}`);
    },
  };
}

/** A certificate authority, and certificates of the server and of an administrator, by openssl. */
function makeKeys(dir: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const certificate = (name: string, subject: string, extensions: string[]) =>
    openssl(
      ...['req', '-x509', '-subj', subject, ...newKey, '-keyout', `${name}.key`, '-out', `${name}.crt`],
      ...(name === 'ca' ? [] : ['-CA', 'ca.crt', '-CAkey', 'ca.key']),
      ...extensions.flatMap((extension) => ['-addext', extension]),
    );
  certificate('ca', '/CN=faaskeeper-test', ['keyUsage=critical,digitalSignature,keyCertSign']);
  certificate('server', '/CN=kube-apiserver', ['subjectAltName=DNS:localhost,IP:127.0.0.1']);
  certificate('admin', '/O=system:masters/CN=admin', ['extendedKeyUsage=clientAuth']);
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'accounts.key');
  openssl('pkey', '-in', 'accounts.key', '-pubout', '-out', 'accounts.pub');
}

function kubeconfigOf(dir: string, server: string): string {
  const file = (name: string) => join(dir, name);
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority': file('ca.crt') } }],
    users: [{ name: 'admin', user: { 'client-certificate': file('admin.crt'), 'client-key': file('admin.key') } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  });
}
