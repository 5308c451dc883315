/** The chart, rendered by the real Helm, for tests that need no cluster. */
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { findHelm, Helm, type Values } from '../../operator/helm/index.ts';

export const chartDir = join(import.meta.dirname, '../../charts/faaskeeper');
export const RELEASE = 'faaskeeper';
export const NAMESPACE = 'faaskeeper-system';

/** Of the cluster that is rendered for: what a helm that was built without a version supposes is too old. */
const KUBE_VERSION = ['--kube-version', '1.34.0'];

// biome-ignore lint/suspicious/noExplicitAny: manifests are looked into at any depth
export type Manifest = any;

const program = findHelm();
if (program === undefined) {
  console.warn('The tests of the chart are skipped: there is no helm on PATH (or at $FAASKEEPER_HELM).');
}

/** Skips where there is no helm. */
export const describeChart = program === undefined ? describe.skip : describe;
export const helm = new Helm(program ?? 'helm');

export async function render(values: Values = {}, release = RELEASE, namespace = NAMESPACE): Promise<Manifest[]> {
  const yaml = await helm.template(release, chartDir, { namespace, values, flags: KUBE_VERSION });
  return parseAllDocuments(yaml)
    .map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      return document.toJSON();
    })
    .filter((manifest) => manifest !== null);
}

export const ofKind = (manifests: readonly Manifest[], kind: string): Manifest[] =>
  manifests.filter((one) => one.kind === kind);

export function named(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`There is no ${kind} ${name}`);
  return found;
}

export const isKnative = (manifest: Manifest): boolean => manifest.apiVersion === 'serving.knative.dev/v1';

/** The specification of the pods that a manifest makes, if it makes any. */
export function podSpec(manifest: Manifest): Manifest | undefined {
  return manifest.kind === 'Pod' ? manifest.spec : manifest.spec?.template?.spec;
}

/** [what makes them, specification] */
export function podSpecs(manifests: readonly Manifest[]): (readonly [string, Manifest, Manifest])[] {
  return manifests.flatMap((manifest) => {
    const spec = podSpec(manifest);
    return spec === undefined ? [] : [[`${manifest.kind} ${manifest.metadata.name}`, spec, manifest] as const];
  });
}

export function environment(container: Manifest): Record<string, Manifest> {
  return Object.fromEntries((container.env ?? []).map((one: Manifest) => [one.name, one]));
}

/** Servers of one's own instead of the bundled ones. */
export const ownServers = {
  nats: { bundled: { enabled: false }, url: 'tls://nats.example:4222', secretName: 'own-nats' },
  redis: { bundled: { enabled: false }, secretName: 'own-redis' },
  s3: { bundled: { enabled: false }, endpoint: 'https://s3.example', secretName: 'own-s3' },
} as const;
