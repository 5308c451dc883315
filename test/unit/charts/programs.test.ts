import {
  describeChart,
  environment,
  isKnative,
  type Manifest,
  named,
  ofKind,
  podSpecs,
  render,
} from '../../support/chart.ts';

const FUNCTIONS = ['distributor', 'heartbeat', 'watch', 'writer'];
const DIGEST = `sha256:${'0'.repeat(64)}`;

describeChart('the programs of the chart', () => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await render();
  });

  test('functions are Knative Services that only the cluster can reach, and that scale to zero', () => {
    const functions = manifests.filter(isKnative);
    expect(functions.map((one) => one.metadata.name).sort()).toEqual(FUNCTIONS.map((name) => `faaskeeper-${name}`));
    for (const { metadata, spec } of functions) {
      expect(metadata.labels['networking.knative.dev/visibility']).toBe('cluster-local');
      expect(spec.template.metadata.annotations['autoscaling.knative.dev/min-scale']).toBe('0');
      // Order comes from the trigger; a hard limit would only queue.
      expect(spec.template.spec.containerConcurrency).toBe(0);
      expect(spec.template.spec.responseStartTimeoutSeconds).toBe(spec.template.spec.timeoutSeconds);
    }
  });

  test('traces are made where a collector is named, and sampled', async () => {
    const collector = 'http://otel-collector.monitoring:4318';
    const traced = await render({ telemetry: { otlpEndpoint: collector, sampleRatio: 0.5 } });
    const ofTrigger = (all: Manifest[]) =>
      environment(named(all, 'Deployment', 'faaskeeper-trigger').spec.template.spec.containers[0]);
    expect(ofTrigger(traced)).toMatchObject({
      OTEL_EXPORTER_OTLP_ENDPOINT: { value: collector },
      OTEL_TRACES_SAMPLER_ARG: { value: '0.5' },
    });
    expect(ofTrigger(manifests)).not.toHaveProperty('OTEL_EXPORTER_OTLP_ENDPOINT');
  });

  test('the trigger knows the functions by their addresses in the cluster', () => {
    const env = environment(named(manifests, 'Deployment', 'faaskeeper-trigger').spec.template.spec.containers[0]);
    for (const name of FUNCTIONS) {
      expect(env[`FAASKEEPER_${name.toUpperCase()}_URL`].value).toBe(
        `http://faaskeeper-${name}.faaskeeper-system.svc.cluster.local`,
      );
    }
  });

  test('the trigger may address a warm revision itself, unless that is not wanted', async () => {
    const direct = (all: Manifest[]) => ({
      told: environment(named(all, 'Deployment', 'faaskeeper-trigger').spec.template.spec.containers[0])
        .FAASKEEPER_DIRECT.value,
      admitted: named(all, 'NetworkPolicy', 'faaskeeper-writer').spec.ingress.filter(
        ({ ports = [] }: { ports?: { port: string }[] }) => ports.some(({ port }) => port === 'queue-port'),
      ),
    });
    const trigger = named(manifests, 'Deployment', 'faaskeeper-trigger').spec.selector;
    expect(direct(manifests)).toEqual({
      told: 'true',
      admitted: [{ from: [{ podSelector: trigger }], ports: [{ port: 'queue-port' }] }],
    });
    expect(direct(await render({ knative: { direct: false } }))).toEqual({ told: 'false', admitted: [] });
  });

  test('a function can be set apart from the others', async () => {
    const values = { functions: { maxScale: 4, writer: { minScale: 1, timeoutSeconds: 60 } } };
    const scales = (await render(values)).filter(isKnative).map(({ metadata, spec }) => {
      const { annotations } = spec.template.metadata;
      return [
        metadata.name,
        annotations['autoscaling.knative.dev/min-scale'],
        annotations['autoscaling.knative.dev/max-scale'],
        spec.template.spec.timeoutSeconds,
      ];
    });
    expect(scales).toContainEqual(['faaskeeper-writer', '1', '4', 60]);
    expect(scales).toContainEqual(['faaskeeper-watch', '0', '4', 120]);
  });

  test('all run the one image; a digest wins over the tag', async () => {
    const own = (all: readonly Manifest[]) =>
      podSpecs(all)
        .filter(([what]) => !what.startsWith('StatefulSet'))
        .map(([, spec]) => spec.containers[0].image);
    expect(new Set(own(manifests))).toEqual(new Set(['ghcr.io/faaskeeper/faaskeeper:0.1.0']));
    const image = { repository: 'registry.example/fk', tag: 'v9', digest: DIGEST };
    expect(new Set(own(await render({ image })))).toEqual(new Set([`registry.example/fk@${DIGEST}`]));
  });

  test('every pod takes the image pull secrets', async () => {
    for (const [what, spec] of podSpecs(await render({ imagePullSecrets: [{ name: 'registry' }] }))) {
      expect([what, spec.imagePullSecrets]).toEqual([what, [{ name: 'registry' }]]);
    }
  });

  test('trigger and gateway have two replicas, apart from each other, of which one may be evicted at a time', () => {
    for (const name of ['trigger', 'gateway']) {
      const { spec } = named(manifests, 'Deployment', `faaskeeper-${name}`);
      expect([name, spec.replicas]).toEqual([name, 2]);
      expect(spec.template.spec.topologySpreadConstraints.map((one: Manifest) => one.topologyKey)).toContain(
        'kubernetes.io/hostname',
      );
      expect(spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
      const budget = named(manifests, 'PodDisruptionBudget', `faaskeeper-${name}`);
      expect(budget.spec.selector.matchLabels).toEqual(spec.selector.matchLabels);
    }
  });

  test('a single replica has no budget: it would only block a drain', async () => {
    const one = await render({ trigger: { replicas: 1 }, gateway: { replicas: 1 } });
    expect(ofKind(one, 'PodDisruptionBudget')).toEqual([]);
  });

  test('every program is probed', () => {
    for (const { metadata, spec } of ofKind(manifests, 'Deployment')) {
      const [container] = spec.template.spec.containers;
      expect([metadata.name, container.livenessProbe.httpGet.path]).toEqual([metadata.name, '/health/live']);
      expect([metadata.name, container.readinessProbe.httpGet.path]).toEqual([metadata.name, '/health/ready']);
    }
  });

  test('a TLS port for all instances needs a certificate', async () => {
    expect(manifests.some((one) => one.metadata.name === 'faaskeeper-gateway-tls')).toBe(false);
    const secure = await render({ gateway: { tls: { secretName: 'certificate', clientAuth: 'want' } } });
    expect(named(secure, 'Service', 'faaskeeper-gateway-tls').spec.ports).toEqual([
      { name: 'tls', port: 2281, targetPort: 'tls' },
    ]);
    const env = environment(named(secure, 'Deployment', 'faaskeeper-gateway').spec.template.spec.containers[0]);
    expect(env.FAASKEEPER_TLS_CA.value).toBe('/etc/faaskeeper/tls/ca.crt');
    expect(env.FAASKEEPER_TLS_CLIENT_AUTH.value).toBe('want');
  });

  test('schemes that the gateway enforces are handed on', async () => {
    const of = async (values: Readonly<Record<string, unknown>>) =>
      environment(named(await render(values), 'Deployment', 'faaskeeper-gateway').spec.template.spec.containers[0]);
    expect(await of({ gateway: { enforceAuthSchemes: 'digest,x509' } })).toMatchObject({
      FAASKEEPER_ENFORCE_AUTH_SCHEMES: { value: 'digest,x509' },
    });
    expect(await of({})).not.toHaveProperty('FAASKEEPER_ENFORCE_AUTH_SCHEMES');
  });

  test('without the gateway nothing of it is there', async () => {
    const none = await render({ gateway: { enabled: false } });
    expect(none.filter((one) => one.metadata.name.startsWith('faaskeeper-gateway'))).toEqual([]);
  });

  test('two releases in one cluster share no name outside of their namespaces', async () => {
    const names = async (release: string, namespace: string) =>
      (await render({ crds: { install: false } }, release, namespace))
        .filter((one) => one.metadata.namespace === undefined)
        .map((one) => `${one.kind}/${one.metadata.name}`);
    const [first, second] = await Promise.all([names('faaskeeper', 'one'), names('faaskeeper', 'two')]);
    expect(first.length).toBeGreaterThan(0);
    expect(first.filter((name) => second.includes(name))).toEqual([]);
  });

  test('all that has a namespace is in that of the release', () => {
    const elsewhere = manifests
      .filter((one) => !['CustomResourceDefinition', 'ClusterRole', 'ClusterRoleBinding'].includes(one.kind))
      .filter((one) => one.metadata.namespace !== 'faaskeeper-system');
    expect(elsewhere.map((one) => `${one.kind}/${one.metadata.name}`)).toEqual([]);
  });
});
