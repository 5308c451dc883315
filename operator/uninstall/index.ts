/** What the chart's pre-delete hook asks: are there instances left, of which nobody would be left to take care? */
import { API_VERSION, type FaaSKeeper, KIND, PLURAL } from '../api/index.ts';
import { isNotFound } from '../kubernetes/errors.ts';
import type { KubernetesClient, ResourceType } from '../kubernetes/index.ts';

const type: ResourceType<FaaSKeeper> = { apiVersion: API_VERSION, kind: KIND, plural: PLURAL };

/** Instances that are listed by name; of more, the number is told. */
const LISTED = 50;

/** Exit code of `check-uninstall`: 0 when nothing stands in the way. */
export async function checkUninstall(
  client?: Pick<KubernetesClient, 'list'>,
  say: (line: string) => void = (line) => void process.stdout.write(`${line}\n`),
): Promise<0 | 1> {
  // The library takes a while to load: not where a client is given.
  const left = await instances(
    client ?? (await import('../kubernetes/connect.ts')).kubernetes('faaskeeper-uninstall').client,
  );
  if (left.length === 0) {
    say('There are no FaaSKeeper resources: nothing stands in the way.');
    return 0;
  }
  say(refusal(left));
  return 1;
}

async function instances(client: Pick<KubernetesClient, 'list'>): Promise<readonly FaaSKeeper[]> {
  try {
    return (await client.list(type)).items;
  } catch (error) {
    // The resource itself is gone, and all instances with it.
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** Why the release stays, and what to do. */
export function refusal(left: readonly Pick<FaaSKeeper, 'metadata'>[]): string {
  const names = left.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).sort();
  const more = names.length - LISTED;
  return [
    `FaaSKeeper is not uninstalled: ${names.length} instance${names.length === 1 ? ' is' : 's are'} left.`,
    '',
    ...names.slice(0, LISTED).map((name) => `  ${name}`),
    ...(more > 0 ? [`  … and ${more} more`] : []),
    '',
    'Delete them first (kubectl delete faaskeepers --all --all-namespaces); spec.deletionPolicy says whether their data',
    'goes, too. To uninstall all the same and leave them without an operator: helm uninstall --no-hooks.',
  ].join('\n');
}
