/** FaaSKeeper resources, as a user makes them with kubectl. */
import { type FaaSKeeper, findCondition } from '../../../operator/api/index.ts';
import { KubectlError } from '../../../operator/kubectl/index.ts';
import { kubectl, run } from './run.ts';
import { until } from './until.ts';

export interface Name {
  readonly namespace: string;
  readonly name: string;
}

/** ms. */
const BOUNDS = { ready: 180_000, gone: 120_000 } as const;
const TYPE = 'faaskeepers.faaskeeper.io';

/** A namespace of this run; it is made when it is not there. */
export async function namespaceOf(what: string): Promise<string> {
  const name = `${run().prefix}-${what}`;
  await kubectl().run(
    ['apply', '--filename', '-'],
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted', 'faaskeeper.io/e2e': 'true' } },
    }),
  );
  return name;
}

/** With all instances in it. */
export async function removeNamespace(namespace: string, timeoutSeconds = 300): Promise<void> {
  const cli = kubectl();
  const all = ['--namespace', namespace, '--ignore-not-found'];
  await cli.run(['delete', 'pods', '--all', '--grace-period=0', '--force', ...all]).catch(() => '');
  await cli.run(['delete', TYPE, '--all', `--timeout=${timeoutSeconds}s`, ...all]);
  await cli.run(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=120s']);
}

export function manifest({ namespace, name }: Name, spec: object = {}): object {
  return {
    apiVersion: 'faaskeeper.io/v1alpha1',
    kind: 'FaaSKeeper',
    metadata: { namespace, name },
    // What a user leaves out is left out: `spec` itself is asked for by none.
    ...(Object.keys(spec).length === 0 ? {} : { spec }),
  };
}

/** `kubectl apply`. @throws KubectlError with what the API server said. */
export async function declare(name: Name, spec: object = {}): Promise<void> {
  await kubectl().run(['apply', '--filename', '-'], JSON.stringify(manifest(name, spec)));
}

export async function patch({ namespace, name }: Name, spec: object): Promise<void> {
  await kubectl().run([
    'patch',
    TYPE,
    name,
    '--namespace',
    namespace,
    '--type=merge',
    '--patch',
    JSON.stringify({ spec }),
  ]);
}

/** `kubectl wait --for=condition=Ready`; what the conditions say otherwise. */
export async function untilReady(name: Name): Promise<FaaSKeeper> {
  return untilCondition(name, 'Ready', 'True');
}

export async function untilCondition(name: Name, type: string, status: string): Promise<FaaSKeeper> {
  return until(
    async () => {
      const resource = await get(name);
      const conditions = resource.status?.conditions ?? [];
      const found = findCondition(conditions, type as Parameters<typeof findCondition>[1]);
      if (found?.status === status && found.observedGeneration === resource.metadata.generation) return resource;
      const said = conditions.map((one) => `${one.type}=${one.status} (${one.reason}: ${one.message})`);
      throw new Error(`${name.name} is not ${type}=${status}: ${said.join('; ') || 'no conditions'}`);
    },
    { timeoutMs: BOUNDS.ready },
  );
}

export function get({ namespace, name }: Name): Promise<FaaSKeeper> {
  return kubectl().json(['get', TYPE, name, '--namespace', namespace]);
}

export async function remove({ namespace, name }: Name): Promise<void> {
  await kubectl().run(['delete', TYPE, name, '--namespace', namespace, `--timeout=${BOUNDS.gone / 1_000}s`]);
}

/** The message with which the API server refuses a spec. */
export async function refusal(name: Name, spec: object): Promise<string> {
  try {
    await kubectl().run(['create', '--dry-run=server', '--filename', '-'], JSON.stringify(manifest(name, spec)));
  } catch (error) {
    if (error instanceof KubectlError) return error.message;
    throw error;
  }
  throw new Error(`${JSON.stringify(spec)} was taken`);
}
