/** What a user brings instead of the bundled servers: a NATS cluster, Redis and MinIO, all with TLS of an authority of theirs. */
import { readFile } from 'node:fs/promises';
import { makeCredentials } from '../../../operator/credentials/index.ts';
import type { Values } from '../../../operator/helm/index.ts';
import { authority } from '../../support/certificates.ts';
import { removeNamespace } from './instances.ts';
import { imageOf } from './release.ts';
import { kubectl, run } from './run.ts';
import { putSecret, startServer } from './servers.ts';
import { until } from './until.ts';

export const NATS_NODES = ['nats-0', 'nats-1', 'nats-2'] as const;
const PASSWORD = 'of the user&nobody else';
const KEYS = { 's3-access-key-id': 'own-store', 's3-secret-access-key': 'not the key of the release' } as const;
/** In the namespace of the release. */
const NAMES = { nats: 'e2e-own-nats', redis: 'e2e-own-redis', s3: 'e2e-own-s3', ca: 'e2e-own-ca' } as const;
const FILES = '/etc/server';

/** Starts them in the namespace; the values with which a release uses them. They go with what is returned. */
export async function startOwnStores(namespace: string): Promise<{ values: Values } & AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  undo.defer(() => removeNamespace(namespace));
  await using issuer = undo.use(await authority());
  const files = async (name: string) => {
    const hosts = [`${name}.${namespace}.svc`, `*.${name}.${namespace}.svc`];
    const { cert, key } = await issuer.issue(name, `/CN=${name}`, hosts);
    return { 'tls.crt': await readFile(cert, 'utf8'), 'tls.key': await readFile(key, 'utf8') };
  };
  const nats = await makeCredentials({}, { bundled: ['nats'], redisHost: '' });
  await Promise.all([
    startNats(namespace, { ...(await files('nats')), 'nats.conf': clustered(nats['nats.conf'] ?? '', namespace) }),
    startRedis(namespace, await files('redis')),
    startMinio(namespace, await files('minio')),
  ]);
  const url = `rediss://:${encodeURIComponent(PASSWORD)}@redis.${namespace}.svc:6379/0`;
  const secret = (name: string, values: Readonly<Record<string, string>>) => putForRelease(undo, name, values);
  await secret(NAMES.nats, pick(nats, 'nats-system.creds', 'nats-account', 'nats-account-seed'));
  await secret(NAMES.redis, { 'redis-url': url });
  await secret(NAMES.s3, KEYS);
  await secret(NAMES.ca, { 'ca.crt': await readFile(issuer.ca, 'utf8') });
  const bundled = { enabled: false };
  const values = {
    nats: {
      bundled,
      url: NATS_NODES.map((node) => `tls://${node}.nats.${namespace}.svc:4222`).join(','),
      secretName: NAMES.nats,
      logReplicas: NATS_NODES.length,
    },
    redis: { bundled, secretName: NAMES.redis },
    s3: { bundled, endpoint: `https://minio.${namespace}.svc:9000`, secretName: NAMES.s3 },
    caBundle: { secretName: NAMES.ca },
  };
  const kept = undo.move();
  return { values, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What the bundled server has, for three that are one. */
function clustered(config: string, namespace: string): string {
  const certificate = `cert_file: "${FILES}/tls.crt", key_file: "${FILES}/tls.key"`;
  const routes = NATS_NODES.map((node) => `nats://${node}.nats.${namespace}.svc:6222`);
  return `${config.replace('server_name: faaskeeper', 'server_name: $POD_NAME')}
tls { ${certificate} }
cluster { name: own, port: 6222, routes: ${JSON.stringify(routes)} }
`;
}

async function startNats(namespace: string, files: Readonly<Record<string, string>>): Promise<void> {
  const command = ['nats-server', '--config', `${FILES}/nats.conf`];
  const replicas = NATS_NODES.length;
  await startServer({ namespace, name: 'nats', image: await imageOf('nats'), command, port: 4222, files, replicas });
  await until(async () => void (await streams(namespace)), { timeoutMs: 60_000 });
}

async function startRedis(namespace: string, files: Readonly<Record<string, string>>): Promise<void> {
  const tls = ['--tls-cert-file', `${FILES}/tls.crt`, '--tls-key-file', `${FILES}/tls.key`, '--tls-auth-clients', 'no'];
  const ports = ['--port', '0', '--tls-port', '6379', '--requirepass', PASSWORD];
  const durable = ['--dir', '/data', '--appendonly', 'yes', '--appendfsync', 'always'];
  const command = ['redis-server', ...ports, ...tls, '--tls-ca-cert-file', `${FILES}/tls.crt`, ...durable];
  await startServer({ namespace, name: 'redis', image: await imageOf('redis'), command, port: 6379, files });
}

async function startMinio(namespace: string, files: Readonly<Record<string, string>>): Promise<void> {
  const command = ['minio', 'server', '--quiet', '--certs-dir', FILES, '--address', ':9000', '/data'];
  const env = { MINIO_ROOT_USER: KEYS['s3-access-key-id'], MINIO_ROOT_PASSWORD: KEYS['s3-secret-access-key'] };
  const named = { 'public.crt': files['tls.crt'] ?? '', 'private.key': files['tls.key'] ?? '' };
  const image = await imageOf('minio');
  await startServer({ namespace, name: 'minio', image, command, port: 9000, files: named, env });
}

export interface Stream {
  readonly name: string;
  readonly config: { readonly num_replicas: number };
  readonly cluster: { readonly leader: string; readonly replicas?: readonly { readonly current: boolean }[] };
}

/** The streams of the NATS cluster, as their leaders see them. @throws while the cluster has no leader. */
export async function streams(namespace: string): Promise<readonly Stream[]> {
  interface Jsz {
    readonly meta_cluster?: { readonly leader?: string };
    readonly account_details?: readonly { readonly stream_detail?: readonly Stream[] }[];
  }
  const found: Stream[] = [];
  for (const node of NATS_NODES) {
    const path = `/api/v1/namespaces/${namespace}/pods/${node}:8222/proxy/jsz?accounts=true&streams=true&config=true`;
    // One that is not there leads nothing.
    const text = await kubectl()
      .run(['get', '--raw', path])
      .catch(() => '{}');
    const answer = JSON.parse(text) as Jsz;
    if (answer.meta_cluster === undefined) continue;
    if (!answer.meta_cluster.leader) throw new Error(`${node} knows no leader`);
    const all = (answer.account_details ?? []).flatMap(({ stream_detail = [] }) => stream_detail);
    found.push(...all.filter(({ cluster }) => cluster.leader === node));
  }
  return found;
}

async function putForRelease(undo: AsyncDisposableStack, name: string, values: Readonly<Record<string, string>>) {
  const { namespace } = run();
  undo.defer(async () => void (await kubectl().run(['delete', 'secret', name, '--namespace', namespace])));
  await putSecret({ namespace, name }, values);
}

function pick(values: Readonly<Record<string, string>>, ...keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, values[key] ?? '']));
}
