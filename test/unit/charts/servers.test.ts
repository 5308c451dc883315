import {
  chartDir,
  describeChart,
  environment,
  helm,
  isKnative,
  type Manifest,
  named,
  ofKind,
  ownServers,
  podSpecs,
  render,
} from '../../support/chart.ts';

const isOurs = (what: string) => /Deployment|Service/.test(what);

describeChart('the servers of the chart', () => {
  test('bundled ones keep their data in volumes that outlive the release', async () => {
    const servers = ofKind(await render(), 'StatefulSet');
    expect(servers.map((one) => one.metadata.name).sort()).toEqual([
      'faaskeeper-minio',
      'faaskeeper-nats',
      'faaskeeper-redis',
    ]);
    for (const { spec } of servers) {
      expect(spec.volumeClaimTemplates[0].metadata.name).toBe('data');
      expect(spec.persistentVolumeClaimRetentionPolicy).toEqual({ whenDeleted: 'Retain', whenScaled: 'Retain' });
    }
  });

  test('the bundled Redis forgets nothing that it has acknowledged, and evicts nothing', async () => {
    const config = named(await render(), 'ConfigMap', 'faaskeeper-redis').data['redis.conf'];
    for (const line of ['appendonly yes', 'appendfsync always', 'maxmemory-policy noeviction']) {
      expect(config).toContain(line);
    }
  });

  test('versitygw takes the place of MinIO, with users for instances on its volume', async () => {
    const manifests = await render({ s3: { bundled: { program: 'versitygw' } } });
    const [server] = named(manifests, 'StatefulSet', 'faaskeeper-versitygw').spec.template.spec.containers;
    expect(server.image).toBe('ghcr.io/versity/versitygw:v1.8.0');
    expect(server.command.at(-1)).toContain('--iam-dir /data/users');
    const operator = named(manifests, 'Deployment', 'faaskeeper-operator').spec.template.spec.containers[0];
    const env = environment(operator);
    expect(env.FAASKEEPER_S3_CREDENTIALS_MODE.value).toBe('versitygw');
    expect(env.FAASKEEPER_S3_ENDPOINT.value).toBe(
      'http://faaskeeper-versitygw.faaskeeper-system.svc.cluster.local:9000',
    );
  });

  test('clients are told other addresses of Redis and of the administration of versitygw where those are given', async () => {
    const redis = { ...ownServers.redis, clientUrl: 'rediss://redis.example:6380/0' };
    const s3 = { ...ownServers.s3, credentialsMode: 'versitygw', adminEndpoint: 'https://admin.example' };
    const manifests = await render({ ...ownServers, redis, s3 });
    const env = environment(named(manifests, 'Deployment', 'faaskeeper-operator').spec.template.spec.containers[0]);
    expect(env.FAASKEEPER_REDIS_CLIENT_URL.value).toBe('rediss://redis.example:6380/0');
    expect(env.FAASKEEPER_S3_ADMIN_ENDPOINT.value).toBe('https://admin.example');
  });

  test("servers of one's own are reached by their addresses with credentials from their Secrets", async () => {
    const manifests = await render(ownServers);
    expect(ofKind(manifests, 'StatefulSet')).toEqual([]);
    for (const [what, spec, manifest] of podSpecs(manifests)) {
      if (!isOurs(what) && !isKnative(manifest)) continue;
      const env = environment(spec.containers[0]);
      expect([what, env.FAASKEEPER_NATS_URL.value]).toEqual([what, 'tls://nats.example:4222']);
      expect([what, env.FAASKEEPER_S3_ENDPOINT.value]).toEqual([what, 'https://s3.example']);
      expect(env.FAASKEEPER_REDIS_URL.valueFrom.secretKeyRef).toEqual({ name: 'own-redis', key: 'redis-url' });
      expect(env.FAASKEEPER_S3_ACCESS_KEY_ID.valueFrom.secretKeyRef.name).toBe('own-s3');
      expect(spec.volumes[0].secret.secretName).toBe('own-nats');
    }
    const job = named(manifests, 'Job', 'faaskeeper-credentials').spec.template.spec.containers[0];
    expect(environment(job).FAASKEEPER_BUNDLED.value).toBe('');
  });

  test('names stay names, also where YAML has other ideas of them', async () => {
    const { nats, redis, s3 } = ownServers;
    const manifests = await render({
      nats: { ...nats, secretName: 'n' },
      redis: { ...redis, secretName: 'on' },
      s3: { ...s3, secretName: '1e3', bucket: '2026' },
      caBundle: { secretName: 'y' },
      gateway: { tls: { secretName: '0' } },
    });
    const { containers, volumes } = named(manifests, 'Deployment', 'faaskeeper-gateway').spec.template.spec;
    const env = environment(containers[0]);
    expect(env.FAASKEEPER_REDIS_URL.valueFrom.secretKeyRef.name).toBe('on');
    expect(env.FAASKEEPER_S3_ACCESS_KEY_ID.valueFrom.secretKeyRef.name).toBe('1e3');
    expect(env.FAASKEEPER_S3_BUCKET.value).toBe('2026');
    const secrets = volumes.flatMap((one: Manifest) => one.secret?.secretName ?? []);
    expect(secrets).toEqual(['n', 'y', '0']);
  });

  test('certificates are trusted, and proxies used, by every program', async () => {
    const values = { ...ownServers, caBundle: { configMapName: 'authorities' }, proxy: { http: 'http://proxy:3128' } };
    for (const [what, spec, manifest] of podSpecs(await render(values))) {
      if (!isOurs(what) && !isKnative(manifest)) continue;
      const env = environment(spec.containers[0]);
      expect([what, env.NODE_EXTRA_CA_CERTS.value]).toEqual([what, '/etc/faaskeeper/ca/ca.crt']);
      expect([what, env.HTTPS_PROXY.value]).toEqual([what, 'http://proxy:3128']);
      expect(env.NO_PROXY.value).toContain('.svc');
      expect(spec.containers[0].volumeMounts.map((one: Manifest) => one.mountPath)).toContain('/etc/faaskeeper/ca');
    }
  });

  test.each([
    ['an address that is missing', { nats: { bundled: { enabled: false } } }, '/nats/url'],
    ['a Secret that is missing', { redis: { bundled: { enabled: false } } }, '/redis/secretName'],
    ['a misspelt setting', { gateway: { replica: 3 } }, 'replica'],
    ['a wrong digest', { image: { digest: 'latest' } }, '/image/digest'],
    ['a wrong level of logs', { logLevel: 'loud' }, '/logLevel'],
    ['three replicas of a log on one bundled server', { nats: { logReplicas: 3 } }, '/nats/logReplicas'],
    ['keys that are given, but not where', { s3: { credentialsMode: 'static' } }, '/s3/staticSecretName'],
    [
      'an address of Redis with a password for all',
      { redis: { clientUrl: 'redis://:secret@redis' } },
      '/redis/clientUrl',
    ],
    ['an address without a scheme', { s3: { endpoint: 's3.example' } }, '/s3/endpoint'],
  ])('%s is refused by name', async (_what, values, place) => {
    await expect(render(values)).rejects.toThrow(place);
  });

  test.each([
    ['the defaults', {}],
    ["servers of one's own", ownServers],
    [
      'everything on',
      {
        monitoring: {
          serviceMonitor: { enabled: true },
          prometheusRule: { enabled: true },
          dashboard: { enabled: true },
        },
      },
    ],
  ])('helm lint finds nothing wrong with %s', async (_what, values) => {
    expect(await helm.lint(chartDir, { values, flags: ['--strict'] })).toContain('0 chart(s) failed');
  });
});
