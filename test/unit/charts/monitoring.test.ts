import { describeChart, ofKind, render } from '../../support/chart.ts';

describeChart('what Prometheus is told', () => {
  it('keeps the label `instance` of metrics, which Prometheus has for pods, too', async () => {
    const manifests = await render({ monitoring: { serviceMonitor: { enabled: true } } });
    const endpoints = [
      ...ofKind(manifests, 'ServiceMonitor').flatMap(({ spec }) => spec.endpoints),
      ...ofKind(manifests, 'PodMonitor').flatMap(({ spec }) => spec.podMetricsEndpoints),
    ];
    expect(endpoints).toHaveLength(2);
    for (const endpoint of endpoints) expect(endpoint).toMatchObject({ honorLabels: true });
  });
});

describeChart('families of addresses', () => {
  it('are those of every Service, also of the ones that the operator makes', async () => {
    const service = { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4', 'IPv6'] };
    const manifests = await render({ service });
    for (const { spec } of ofKind(manifests, 'Service').filter(({ apiVersion }) => apiVersion === 'v1')) {
      expect(spec).toMatchObject(service);
    }
    const operator = ofKind(manifests, 'Deployment').find(({ metadata }) => metadata.name.endsWith('-operator'));
    expect(operator.spec.template.spec.containers[0].env).toEqual(
      expect.arrayContaining([
        { name: 'FAASKEEPER_IP_FAMILY_POLICY', value: 'PreferDualStack' },
        { name: 'FAASKEEPER_IP_FAMILIES', value: 'IPv4,IPv6' },
      ]),
    );
  });
});
