import { GROUP, KIND, PLURAL, VERSION } from './names.ts';
import type { JsonSchema } from './schema.ts';
import { specSchema } from './spec.ts';
import { statusSchema } from './status.ts';

const openAPIV3Schema: JsonSchema = {
  type: 'object',
  description: "A coordination service with ZooKeeper's data model, guarantees and clients.",
  required: ['spec'],
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    spec: specSchema.json,
    status: statusSchema.json,
  },
  'x-kubernetes-validations': [
    {
      // It becomes the value of a label and part of the names of other objects.
      rule: "self.metadata.name.size() <= 52 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
      message: 'the name must have at most 52 characters of a-z, 0-9 and -',
    },
  ],
};

const condition = (type: string) => `.status.conditions[?(@.type=="${type}")]`;

/** The definition of the resource, as the chart installs it. */
export const customResourceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `${PLURAL}.${GROUP}`,
    // Uninstalling the chart must not delete every instance.
    annotations: { 'helm.sh/resource-policy': 'keep' },
    labels: { 'app.kubernetes.io/name': 'faaskeeper', 'app.kubernetes.io/part-of': 'faaskeeper' },
  },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: {
      kind: KIND,
      listKind: `${KIND}List`,
      plural: PLURAL,
      singular: KIND.toLowerCase(),
      shortNames: ['fk'],
      categories: ['faaskeeper'],
    },
    versions: [
      {
        name: VERSION,
        served: true,
        storage: true,
        schema: { openAPIV3Schema },
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Ready', type: 'string', jsonPath: `${condition('Ready')}.status` },
          { name: 'Mode', type: 'string', jsonPath: '.status.mode' },
          { name: 'Sessions', type: 'integer', jsonPath: '.status.sessions' },
          { name: 'zxid', type: 'integer', jsonPath: '.status.zxid' },
          { name: 'Reason', type: 'string', priority: 1, jsonPath: `${condition('Ready')}.reason` },
          { name: 'Endpoint', type: 'string', priority: 1, jsonPath: '.status.endpoints.zookeeper' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
      },
    ],
  },
} as const;
