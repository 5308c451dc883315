import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FaaSKeeper, GROUP, PLURAL } from '../api/index.ts';
import type { Secret } from '../kubernetes/index.ts';
import { type Forward, forward } from './forward.ts';
import { type Kubectl, KubectlError } from './kubectl.ts';

/** A service binding on this machine that leads into the cluster. */
export interface LocalBinding extends AsyncDisposable {
  readonly directory: string;
}

/** Values of the Secret that the client of an instance mounts. @throws KubectlError */
export async function bindingOf(
  kubectl: Kubectl,
  { namespace, name }: { readonly namespace: string | undefined; readonly name: string },
): Promise<Readonly<Record<string, string>>> {
  const inNamespace = namespace === undefined ? [] : ['--namespace', namespace];
  const instance = await kubectl.json<FaaSKeeper>(['get', ...inNamespace, `${PLURAL}.${GROUP}`, name]);
  const secretName = instance.status?.binding?.name;
  if (secretName === undefined) {
    const ready = instance.status?.conditions?.find((condition) => condition.type === 'Ready');
    throw new KubectlError(`${name} has no binding yet: ${ready?.message ?? 'does the operator run?'}`);
  }
  const { data } = await kubectl.json<Secret>(['get', ...inNamespace, 'secret', secretName]);
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

/** Writes the binding of an instance to a directory, with NATS, the S3 store and Redis behind local ports. */
export async function forwardBinding(
  kubectl: Kubectl,
  instance: { readonly namespace: string | undefined; readonly name: string },
): Promise<LocalBinding> {
  const values = await bindingOf(kubectl, instance);
  await using undo = new AsyncDisposableStack();
  const local = async (key: string) => {
    const text = values[key];
    return text === undefined ? {} : { [key]: await forwardUrl(kubectl, text, (one) => undo.use(one)) };
  };
  const forwarded = await Promise.all(['nats-url', 's3-endpoint', 'redis-url'].map(local));
  const directory = await mkdtemp(join(tmpdir(), 'faaskeeper-binding-'));
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  for (const [key, value] of Object.entries(Object.assign({}, values, ...forwarded) as typeof values)) {
    await writeFile(join(directory, key), value, { mode: 0o600 });
  }
  const kept = undo.move();
  return { directory, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const SERVICE = /^([a-z0-9-]+)\.([a-z0-9-]+)\.svc(\.|$)/;
const PORTS: Readonly<Record<string, number>> = { 'nats:': 4222, 'http:': 80, 'redis:': 6379 };

/** Addresses of Services lead to a local port; others are left as they are. */
async function forwardUrl(kubectl: Kubectl, text: string, using: (one: Forward) => void): Promise<string> {
  const [first = ''] = text.split(',');
  const url = new URL(first);
  const [, name, namespace] = SERVICE.exec(url.hostname) ?? [];
  if (name === undefined || namespace === undefined) return text;
  if (['tls:', 'https:', 'rediss:'].includes(url.protocol)) {
    throw new KubectlError(
      `${first} has a certificate for the name of its Service, which a local port has not: use a pod in the cluster`,
    );
  }
  const port = Number(url.port || PORTS[url.protocol]);
  const forwarded = await forward(kubectl, { namespace, to: `service/${name}`, port });
  using(forwarded);
  return `${url.protocol}//127.0.0.1:${forwarded.port}${url.protocol === 'redis:' ? url.pathname : ''}`;
}
