import { createHash } from 'node:crypto';
import { type FaaSKeeper, FIELD_MANAGER, FUNCTIONS, type FunctionName, instanceIdOf, LABELS } from '../api/index.ts';
import type { OwnerReference } from '../kubernetes/index.ts';

/** Labels of everything that the operator makes for an instance. */
export function labelsOf(resource: FaaSKeeper, component: string): Record<string, string> {
  return {
    [LABELS.name]: 'faaskeeper',
    [LABELS.component]: component,
    [LABELS.managedBy]: FIELD_MANAGER,
    [LABELS.partOf]: 'faaskeeper',
    [LABELS.instanceId]: instanceIdOf(resource),
    [LABELS.namespace]: resource.metadata.namespace,
    [LABELS.resource]: resource.metadata.name,
  };
}

/** Within the namespace of the resource only: owners of other namespaces count as gone. */
export function ownerOf({ apiVersion, kind, metadata }: FaaSKeeper): OwnerReference {
  const { name, uid } = metadata;
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}

const SERVICE_NAME_LENGTH = 63;
const DIGEST_LENGTH = 10;
const ENDS_LIKE_DIGEST = new RegExp(`-[0-9a-f]{${DIGEST_LENGTH}}$`);

/**
 * Name of an instance's gateway Service in the namespace of the release: `<namespace>-<name>` where that can mean this
 * resource only and is no name of the release's own; else with a digest. It stays when the resource is made again.
 */
export function gatewayName({ metadata }: FaaSKeeper, releaseName: string): string {
  const { namespace, name } = metadata;
  const plain = `${namespace}-${name}`;
  const unambiguous = !namespace.includes('-') && !ENDS_LIKE_DIGEST.test(name) && /^[a-z]/.test(namespace);
  if (unambiguous && plain.length <= SERVICE_NAME_LENGTH && !plain.startsWith(`${releaseName}-`)) return plain;
  const digest = createHash('sha256').update(`${namespace}/${name}`).digest('hex').slice(0, DIGEST_LENGTH);
  const start = (/^[a-z]/.test(plain) ? plain : `fk-${plain}`).slice(0, SERVICE_NAME_LENGTH - DIGEST_LENGTH - 1);
  return `${start.replace(/[-.]+$/, '')}-${digest}`;
}

export function bindingName({ metadata, spec }: FaaSKeeper): string {
  return spec.binding.secretName ?? `${metadata.name}-faaskeeper`;
}

/** Name of a Dedicated function: Knative adds to it, within 63 characters. */
export function functionName(resource: FaaSKeeper, name: FunctionName): string {
  return `fk-${instanceIdOf(resource)}-${name}`;
}

export function functionOfName(name: string): FunctionName | undefined {
  return FUNCTIONS.find((one) => name.endsWith(`-${one}`));
}

/** Of a retained instance's record in the namespace of the release. */
export function retainedName(instanceId: string): string {
  return `fk-retained-${instanceId}`;
}

/** What stands for a namespace in the prefix of its backups: it is opaque, and the same for ever. */
export function namespaceToken(namespace: string): string {
  return createHash('sha256').update(namespace).digest('hex').slice(0, 32);
}
