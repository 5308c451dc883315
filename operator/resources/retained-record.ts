import type { FaaSKeeper } from '../api/index.ts';
import { FIELD_MANAGER, GROUP, instanceIdOf, LABELS } from '../api/index.ts';
import { type Manifest, type Secret, TYPES } from '../kubernetes/index.ts';
import { retainedName } from './names.ts';

export const RETAINED_TYPE = `${GROUP}/retained`;

/**
 * Tells whose data it is that stays behind a deleted resource: only its namespace may restore from it. It has no label of
 * an instance, as it is no part of one.
 */
export function retainedRecord(resource: FaaSKeeper, namespace: string, time: Date): Manifest {
  const id = instanceIdOf(resource);
  const { apiVersion, kind } = TYPES.secret;
  return {
    apiVersion,
    kind,
    metadata: {
      name: retainedName(id),
      namespace,
      labels: {
        [LABELS.name]: 'faaskeeper',
        [LABELS.component]: 'retained',
        [LABELS.partOf]: 'faaskeeper',
        [`${GROUP}/retained-by`]: FIELD_MANAGER,
      },
    },
    type: RETAINED_TYPE,
    data: {
      instance: encode(id),
      namespace: encode(resource.metadata.namespace),
      name: encode(resource.metadata.name),
      deleted: encode(time.toISOString()),
    },
  };
}

/** The namespace whose data it is. */
export function namespaceOfRecord(secret: Secret | undefined): string | undefined {
  const value = secret?.type === RETAINED_TYPE ? secret.data?.namespace : undefined;
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}

function encode(value: string): string {
  return Buffer.from(value, 'utf8').toString('base64');
}
