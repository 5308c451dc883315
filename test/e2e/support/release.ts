/** The release of the run: its values, also other ones for a while. */
import { join, resolve } from 'node:path';
import { findHelm, Helm, type Values } from '../../../operator/helm/index.ts';
import { progress, run } from './run.ts';

const chart = join(resolve(import.meta.dirname, '../../..'), 'charts/faaskeeper');
const flags = ['--wait', '--timeout', '5m'] as const;

export const helm = new Helm(findHelm() ?? 'helm');

/** Upgrades the release to values beside those of the run; disposed, it has the run's again. */
export async function releaseWith(more: Values): Promise<AsyncDisposable> {
  const { release, namespace, values } = run();
  const back = async () => {
    progress('helm upgrade to the values of the run');
    await helm.upgrade(release, chart, { namespace, values, flags });
  };
  progress(`helm upgrade with ${JSON.stringify(more)}`);
  try {
    await helm.upgrade(release, chart, { namespace, values: more, flags: [...flags, '--reuse-values'] });
  } catch (error) {
    await back();
    throw error;
  }
  return { [Symbol.asyncDispose]: back };
}

/** Image of a bundled server, as the release would run it. */
export async function imageOf(server: 'nats' | 'redis' | 'minio'): Promise<string> {
  const { release, namespace } = run();
  interface Image {
    readonly repository: string;
    readonly tag: string;
    readonly digest: string;
  }
  interface All {
    readonly nats: { readonly bundled: { readonly image: Image } };
    readonly redis: { readonly bundled: { readonly image: Image } };
    readonly s3: { readonly bundled: { readonly images: { readonly minio: Image } } };
  }
  const all = (await helm.values(release, { namespace, flags: ['--all'] })) as unknown as All;
  const { repository, tag, digest } = server === 'minio' ? all.s3.bundled.images.minio : all[server].bundled.image;
  return digest ? `${repository}@${digest}` : `${repository}:${tag}`;
}
