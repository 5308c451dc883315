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

describeChart('the chart keeps to the restricted Pod Security Standard', () => {
  let manifests: Manifest[];
  beforeAll(async () => {
    manifests = await render();
  });

  test('in every container, as no root, with nothing to gain and nowhere to write', () => {
    const pods = podSpecs(manifests);
    expect(pods.length).toBeGreaterThanOrEqual(13);
    for (const [what, spec, manifest] of pods) {
      for (const container of spec.containers) {
        const own = container.securityContext;
        // Knative takes no securityContext of the pod.
        const whole = isKnative(manifest) ? own : spec.securityContext;
        expect([what, own.allowPrivilegeEscalation, own.readOnlyRootFilesystem]).toEqual([what, false, true]);
        expect([what, own.capabilities]).toEqual([what, { drop: ['ALL'] }]);
        expect([what, whole.runAsNonRoot, whole.runAsUser > 0]).toEqual([what, true, true]);
        expect([what, whole.seccompProfile]).toEqual([what, { type: 'RuntimeDefault' }]);
      }
    }
  });

  test('every container asks for what it needs and has a limit of memory', () => {
    for (const [what, spec] of podSpecs(manifests)) {
      for (const { resources } of spec.containers) {
        expect([what, Object.keys(resources.requests).sort()]).toEqual([what, ['cpu', 'memory']]);
        expect([what, typeof resources.limits.memory]).toEqual([what, 'string']);
      }
    }
  });

  test('only the operator and the hooks have a token for the API server', () => {
    const withToken = podSpecs(manifests)
      .filter(([, spec]) => spec.serviceAccountName !== 'faaskeeper')
      .map(([what]) => what);
    expect(withToken.sort()).toEqual([
      'Deployment faaskeeper-operator',
      'Job faaskeeper-credentials',
      'Job faaskeeper-uninstall',
      'Pod faaskeeper-test',
    ]);
    expect(named(manifests, 'ServiceAccount', 'faaskeeper').automountServiceAccountToken).toBe(false);
  });

  test('no secret is in a manifest, and none on a command line', () => {
    expect(ofKind(manifests, 'Secret')).toEqual([]);
    for (const [what, spec] of podSpecs(manifests)) {
      for (const container of spec.containers) {
        for (const [name, variable] of Object.entries(environment(container))) {
          const isSecret = /TOKEN|SECRET_ACCESS_KEY|PASSWORD|REDIS_URL/.test(name);
          expect([what, name, isSecret && 'value' in variable]).toEqual([what, name, false]);
        }
      }
    }
  });

  test('the operator may do no more in the cluster than it needs', () => {
    const rules = named(manifests, 'ClusterRole', 'faaskeeper-faaskeeper-system-operator').rules;
    const resources = rules.flatMap((rule: Manifest) => rule.resources);
    expect([...new Set(resources)].sort()).toEqual([
      'events',
      'faaskeepers',
      'faaskeepers/finalizers',
      'faaskeepers/status',
      'secrets',
    ]);
    for (const rule of [...rules, ...ofKind(manifests, 'Role').flatMap((role) => role.rules)]) {
      expect([...rule.apiGroups, ...rule.resources, ...rule.verbs]).not.toContain('*');
    }
  });

  test('there is a NetworkPolicy for every pod that stays', () => {
    const selectors = ofKind(manifests, 'NetworkPolicy').map(
      (policy) => policy.spec.podSelector.matchLabels['app.kubernetes.io/component'],
    );
    const components = manifests
      .filter((one) => ['Deployment', 'StatefulSet'].includes(one.kind) || isKnative(one))
      .map((one) => one.spec.template.metadata.labels['app.kubernetes.io/component']);
    expect(selectors.sort()).toEqual(components.sort());
  });
});
