import type { FaaSKeeper } from '../../../operator/api/index.ts';
import { contains } from '../../../operator/reconcilers/apply.ts';
import { bytesOf, instanceSpec } from '../../../operator/reconcilers/registry.ts';
import {
  dedicatedFunction,
  gatewayName,
  gatewayPolicy,
  namespaceOfRecord,
  retainedRecord,
} from '../../../operator/resources/index.ts';

function resource(namespace: string, name: string, spec: object = {}): FaaSKeeper {
  return {
    apiVersion: 'faaskeeper.io/v1alpha1',
    kind: 'FaaSKeeper',
    metadata: {
      name,
      namespace,
      uid: '0a1b2c3d-0000-4000-8000-000000000001',
      generation: 1,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: {
      userStorage: { type: 'S3' },
      sessions: { tickMs: 2_000 },
      functions: { isolation: 'Shared' },
      limits: {},
      containerCheckIntervalMs: 60_000,
      enforceQuota: false,
      gateway: { enabled: true, exposure: 'ClusterIP' },
      binding: {},
      deletionPolicy: 'Retain',
      suspend: false,
      ...spec,
    },
  };
}

describe('the name of a gateway Service', () => {
  it('is that of namespace and resource where it can mean nothing else', () => {
    expect(gatewayName(resource('shop', 'orders'), 'faaskeeper')).toBe('shop-orders');
  });

  it.each([
    ['a-b', 'c', 'a', 'b-c'],
    ['faaskeeper', 'nats', 'x', 'nats'],
    ['1a', 'b', 'a', 'b'],
    ['n'.repeat(40), 'm'.repeat(40), 'n'.repeat(40), 'm'.repeat(39)],
  ])('differs for %s/%s and %s/%s, is valid, and is none of the release', (namespace, name, otherNamespace, other) => {
    const one = gatewayName(resource(namespace, name), 'faaskeeper');
    expect(one).not.toBe(gatewayName(resource(otherNamespace, other), 'faaskeeper'));
    expect(one).toMatch(/^[a-z][-a-z0-9]{0,61}[a-z0-9]$/);
    expect(one).not.toBe('faaskeeper-nats');
  });
});

describe('what an instance consists of', () => {
  it('lets its own namespace to its port, and who else is named', () => {
    const from = [{ namespaces: { team: 'a' } }, { cidr: '10.0.0.0/8' }];
    const instance = resource('shop', 'orders', { gateway: { enabled: true, exposure: 'ClusterIP', from } });
    const content = { name: 'shop-orders', namespace: 'system', port: 20_001, selector: { app: 'gateway' } };
    expect(gatewayPolicy(instance, content).spec).toEqual({
      podSelector: { matchLabels: { app: 'gateway' } },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [
            { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'shop' } } },
            { namespaceSelector: { matchLabels: { team: 'a' } } },
            { ipBlock: { cidr: '10.0.0.0/8' } },
          ],
          ports: [{ protocol: 'TCP', port: 20_001 }],
        },
      ],
    });
  });

  it('has Dedicated functions like the shared ones but for scale and resources; those of one function win', () => {
    const shared = {
      metadata: { ...resource('system', 'faaskeeper-writer').metadata },
      spec: {
        template: { metadata: { annotations: { kept: 'yes' } }, spec: { containers: [{ image: 'i', resources: {} }] } },
      },
    };
    const resources = { requests: { cpu: '1' } };
    const functions = { isolation: 'Dedicated', minScale: 1, maxScale: 2, resources, writer: { maxScale: 5 } };
    const { spec, metadata } = dedicatedFunction(resource('shop', 'orders', { functions }), 'writer', shared as never);
    expect(metadata.name).toBe('fk-0a1b2c3d000040008000000000000001-writer');
    expect(spec).toMatchObject({
      template: {
        metadata: {
          annotations: {
            kept: 'yes',
            'autoscaling.knative.dev/min-scale': '1',
            'autoscaling.knative.dev/max-scale': '5',
          },
        },
        spec: { containers: [{ image: 'i', resources }] },
      },
    });
  });

  it('tells trigger, functions and gateway of sessions and limits', () => {
    const instance = resource('shop', 'orders', {
      sessions: { tickMs: 1_000, maxTimeoutMs: 60_000 },
      limits: { bytes: '1Gi', nodes: 10 },
    });
    const parts = { port: 20_001, urls: undefined, superDigest: 'super:x', logReplicas: 3 } as const;
    expect(instanceSpec(instance, parts)).toMatchObject({
      id: '0a1b2c3d000040008000000000000001',
      storagePrefix: '0a1b2c3d000040008000000000000001/',
      sessions: { minTimeout: 2_000, maxTimeout: 60_000 },
      superDigest: 'super:x',
      gateway: { port: 20_001, limits: {} },
      limits: { nodes: 10, bytes: 2 ** 30 },
      logReplicas: 3,
    });
  });

  it('refuses limits that are no number of bytes', () => {
    expect(bytesOf('10Mi')).toBe(10 * 2 ** 20);
    expect(() => bytesOf('999999999999999Ti')).toThrow(/limits.bytes/);
  });

  it('leaves a record of whose data was retained', () => {
    const record = retainedRecord(resource('shop', 'orders'), 'system', new Date(0));
    expect(namespaceOfRecord(record as never)).toBe('shop');
    expect(namespaceOfRecord({ ...record, type: 'Opaque' } as never)).toBeUndefined();
  });
});

describe('drift', () => {
  it('is what others changed, not what the API server filled in', () => {
    expect(contains({ a: 1, b: { c: [1], d: 2 }, filled: 'in' }, { a: 1, b: { c: [1] } })).toBe(true);
    expect(contains({ a: 2 }, { a: 1 })).toBe(false);
    expect(contains({ list: [{ a: 1, filled: 1 }] }, { list: [{ a: 1 }] })).toBe(true);
    expect(contains({ list: [1, 2] }, { list: [1] })).toBe(false);
  });
});
