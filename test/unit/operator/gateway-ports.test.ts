import type { Service } from '../../../operator/kubernetes/index.ts';
import { GatewayPorts } from '../../../operator/reconcilers/gateway-ports.ts';

function service(instance: string, port: number, created: string): Service {
  return {
    metadata: {
      name: instance,
      namespace: 'system',
      uid: instance,
      resourceVersion: '1',
      creationTimestamp: created,
      labels: { 'faaskeeper.io/instance-id': instance },
    },
    spec: { ports: [{ port: 2181, targetPort: port }] },
  };
}

const range = [20_000, 20_003] as const;

function claim(instance: string, services: readonly Service[] = []) {
  const own = services.find(({ metadata }) => metadata.name === instance);
  const servicesAt = (port: number) => services.filter(({ spec }) => spec?.ports?.[0]?.targetPort === port);
  return { instance, own, servicesAt, range };
}

describe('ports of the gateway', () => {
  it('are the same for an instance whenever it asks, also for another process', () => {
    const services = [service('a', 20_002, '2026-01-01T00:00:00Z')];
    expect(new GatewayPorts().claim(claim('a', services))).toBe(20_002);
    expect(new GatewayPorts().claim(claim('new'))).toBe(new GatewayPorts().claim(claim('new')));
  });

  it('are never given to two, also before the Service of the first is seen', () => {
    const ports = new GatewayPorts();
    const given = ['a', 'b', 'c', 'd'].map((instance) => ports.claim(claim(instance)));
    expect(new Set(given).size).toBe(4);
    expect(() => ports.claim(claim('e'))).toThrow(/All ports/);
    ports.release('a');
    expect(ports.claim(claim('e'))).toBe(given[0]);
  });

  it('stay with the older of two that have the same one', () => {
    const services = [service('old', 20_001, '2026-01-01T00:00:00Z'), service('young', 20_001, '2026-01-02T00:00:00Z')];
    const ports = new GatewayPorts();
    expect(ports.claim(claim('young', services))).not.toBe(20_001);
    expect(ports.claim(claim('old', services))).toBe(20_001);
  });

  it('are chosen anew when the range has changed', () => {
    const services = [service('a', 30_000, '2026-01-01T00:00:00Z')];
    const port = new GatewayPorts().claim(claim('a', services));
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThanOrEqual(20_003);
  });
});
