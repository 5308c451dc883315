import { instanceSpecSchema, validate } from '@faaskeeper/protocol';
import type { FaaSKeeper } from '../../../operator/api/index.ts';
import type { JsonSchema } from '../../../operator/api/schema.ts';
import { specSchema } from '../../../operator/api/spec.ts';
import { instanceSpec } from '../../../operator/reconcilers/registry.ts';
import { gatewayName, labelsOf, retainedRecord } from '../../../operator/resources/index.ts';
import { type Fuzz, fuzz, onlyThrows } from '../../support/fuzz.ts';

const ALPHABET = [...'abz019-.'];

interface Keywords {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
}

/** A value that the schema allows, with its defaults as the API server fills them in. */
function allowed(schema: JsonSchema, random: Fuzz): unknown {
  const { type, enum: choices, minimum = 0, maximum = 1_000, default: preset } = schema as Keywords;
  if (choices !== undefined) return random.pick(choices);
  switch (type) {
    case 'object':
      return object(schema, random);
    case 'array':
      return Array.from({ length: random.int(3) }, () => allowed(schema.items as JsonSchema, random));
    case 'integer':
      return minimum + random.int(maximum - minimum + 1);
    case 'boolean':
      return random.chance(0.5);
    case 'string':
      return preset ?? `a${Array.from({ length: random.int(10) }, () => random.pick(ALPHABET)).join('')}z`;
    default:
      return random.pick([1, 1_024, '10Gi', '5Mi', '0', '1.5Gi', 'much']);
  }
}

function object(schema: JsonSchema, random: Fuzz): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  const required = (schema.required ?? []) as string[];
  for (const [name, field] of Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)) {
    const isThere = required.includes(name) || field.default !== undefined || random.chance(0.4);
    if (isThere) value[name] = allowed(field, random);
  }
  return value;
}

const metadata = {
  name: 'orders',
  namespace: 'shop',
  uid: '0a1b2c3d-0000-4000-8000-000000000001',
  generation: 1,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
};

test('any resource that the API server takes becomes objects, or an error that names what its author must change', async () => {
  await fuzz(1_000, (random) => {
    const spec = object(specSchema.json, random);
    const resource = {
      apiVersion: 'faaskeeper.io/v1alpha1',
      kind: 'FaaSKeeper',
      metadata,
      spec,
    } as unknown as FaaSKeeper;
    const parts = { port: 1 + random.int(60_000), urls: undefined, superDigest: undefined, logReplicas: 1 } as const;
    onlyThrows(
      () => validate(instanceSpecSchema, instanceSpec(resource, parts), 'spec'),
      'UserError',
      'MarshallingError',
    );
    gatewayName(resource, 'release');
    labelsOf(resource, 'writer');
    retainedRecord(resource, 'shop', new Date(0));
  });
});
