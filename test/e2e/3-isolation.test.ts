/** Proof 3: what one instance's credentials are worth at another one's. Everything is tried on the servers themselves. */

import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { storageKeys, subjects } from '@faaskeeper/protocol';
import { connect, credsAuthenticator, Events, type NatsConnection } from 'nats';
import { bindingOf, type Forward, forward } from '../../operator/kubectl/index.ts';
import { type Bound, boundInstance, endpointOf } from './support/bound.ts';
import { figure, kubectl, run } from './support/run.ts';
import { until } from './support/until.ts';
import { WireSession } from './support/wire.ts';

const undo = new AsyncDisposableStack();
let mine: Bound;
let theirs: Bound;
let myBinding: Readonly<Record<string, string>>;
let theirBinding: Readonly<Record<string, string>>;
let nats: Forward;
let s3: Forward;
let tried = 0;

const release = (component: string, port: number) => ({
  namespace: run().namespace,
  to: `service/${run().release}-${component}`,
  port,
});

beforeAll(async () => {
  mine = undo.use(await boundInstance('mine'));
  theirs = undo.use(await boundInstance('theirs'));
  [myBinding, theirBinding] = [await bindingOf(kubectl(), mine.name), await bindingOf(kubectl(), theirs.name)];
  nats = undo.use(await forward(kubectl(), release('nats', 4222)));
  s3 = undo.use(await forward(kubectl(), release('minio', 9000)));
  for (const bound of [mine, theirs]) {
    await bound.agent.ask('open', { session: 'a', timeoutMs: 40_000 });
    await bound.agent.call('a', 'create', '/secret', 'mine alone');
  }
});

afterAll(async () => {
  figure(3, 'ways into another instance that were tried and refused', String(tried));
  await undo.disposeAsync();
});

async function natsAs(binding: Readonly<Record<string, string>>): Promise<NatsConnection> {
  return connect({
    servers: `127.0.0.1:${nats.port}`,
    authenticator: credsAuthenticator(new TextEncoder().encode(`${binding['nats-creds']}\n`)),
    inboxPrefix: `_INBOX_${binding.instance}`,
    noAsyncTraces: true,
    reconnect: false,
  });
}

/** The server tells a violation by an error of its own, after the fact. */
async function refusedByNats(attempt: (connection: NatsConnection) => void): Promise<void> {
  const connection = await natsAs(myBinding);
  try {
    const violation = (async () => {
      for await (const { type, data } of connection.status()) {
        if (type === Events.Error) return String(data);
      }
      return 'closed';
    })();
    attempt(connection);
    await connection.flush();
    const timeout = new Promise<string>((resolve) => setTimeout(resolve, 5_000, 'taken').unref());
    expect(await Promise.race([violation, timeout])).toMatch(/permissions.violation/i);
    tried++;
  } finally {
    await connection.close();
  }
}

describe('NATS', () => {
  test.each([
    ['a request', () => subjects(theirBinding.instance!).request('new')],
    ['a beat', () => subjects(theirBinding.instance!).beat(1)],
    ['a watermark', () => subjects(theirBinding.instance!).watermark],
    ['a request of the system', () => subjects(theirBinding.instance!).systemRequest],
    ['an entry of the log', () => subjects(theirBinding.instance!).log],
    ['a watermark of its own', () => subjects(myBinding.instance!).watermark],
    ['a request of its own system', () => subjects(myBinding.instance!).systemRequest],
    ['an entry of its own log', () => subjects(myBinding.instance!).log],
    ['a direct get of JetStream', () => `$JS.API.DIRECT.GET.LOG_${theirBinding.instance}`],
    ['a deletion of a stream', () => `$JS.API.STREAM.DELETE.LOG_${theirBinding.instance}`],
    ['a change of the registry', () => `$KV.faaskeeper-instances.${theirBinding.instance}`],
    ['the inbox of another', () => `_INBOX_${theirBinding.instance}.x`],
  ])('%s cannot be published', async (_, subject) => {
    await refusedByNats((connection) => connection.publish(subject(), 'x'));
  });

  test.each([
    ['everything of the other instance', () => `fk.${theirBinding.instance}.>`],
    ['its output', () => `fk.${theirBinding.instance}.out.>`],
    ['its requests', () => `fk.${theirBinding.instance}.req.>`],
    ['its inboxes', () => `_INBOX_${theirBinding.instance}.>`],
    ['everything', () => '>'],
    ['requests of its own instance', () => `fk.${myBinding.instance}.req.>`],
    ['protected changes of its own instance', () => `fk.${myBinding.instance}.sys.>`],
    ['the default inboxes', () => '_INBOX.>'],
  ])('%s cannot be subscribed to', async (_, subject) => {
    await refusedByNats((connection) => void connection.subscribe(subject()));
  });

  test('a forged reply subject brings nothing into the other instance', async () => {
    const victim = await natsAs(theirBinding);
    const attacker = await natsAs(myBinding);
    const before = await theirs.agent.call<{ zxid?: number }>('a', 'exists', '/secret');
    // Beats of a living session are answered below the same subjects: only without one is all that comes forged.
    await theirs.agent.ask('close', { session: 'a' });
    try {
      const heard: string[] = [];
      const hear = (subject: string) =>
        victim.subscribe(subject, { callback: (_, message) => void heard.push(message.subject) });
      hear(`fk.${theirBinding.instance}.out.>`);
      hear(`_INBOX_${theirBinding.instance}.>`);
      await victim.flush();
      await until(
        async () => {
          heard.length = 0;
          await sleep(1_000);
          expect(heard).toEqual([]);
        },
        { timeoutMs: 30_000 },
      );
      const own = subjects(myBinding.instance!);
      const forged = [
        subjects(theirBinding.instance!).watermark,
        `_INBOX_${theirBinding.instance}.forged`,
        subjects(theirBinding.instance!).request(1),
        subjects(theirBinding.instance!).systemRequest,
      ];
      for (const reply of forged) {
        for (const subject of [own.request('new'), own.request(1), own.beat(1)])
          attacker.publish(subject, 'x', { reply });
        tried++;
      }
      await attacker.flush();
      // A write of the attacker's own session goes the same way, later: all before it was handled.
      await mine.agent.call('a', 'setData', '/secret', 'changed');
      await victim.flush();
      expect(heard).toEqual([]);
      await theirs.agent.ask('open', { session: 'a', timeoutMs: 40_000 });
      expect(await theirs.agent.call('a', 'exists', '/secret')).toEqual(before);
    } finally {
      await Promise.all([attacker.close(), victim.close()]);
    }
  });
});

describe('S3', () => {
  let client: S3Client;
  beforeAll(() => {
    client = new S3Client({
      endpoint: `http://127.0.0.1:${s3.port}`,
      region: myBinding['s3-region'] ?? 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: {
        accessKeyId: myBinding['s3-access-key-id']!,
        secretAccessKey: myBinding['s3-secret-access-key']!,
        ...(myBinding['s3-session-token'] ? { sessionToken: myBinding['s3-session-token'] } : {}),
      },
    });
  });
  afterAll(() => client?.destroy());

  const bucket = () => myBinding['s3-bucket']!;
  async function refused(request: Promise<unknown>): Promise<void> {
    await expect(request).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    tried++;
  }

  test('its own tree can be read', async () => {
    const Key = storageKeys(myBinding['s3-prefix']!).node('/');
    await expect(client.send(new GetObjectCommand({ Bucket: bucket(), Key }))).resolves.toBeDefined();
  });

  test("another's tree cannot be read", async () => {
    const keys = storageKeys(theirBinding['s3-prefix']!);
    for (const Key of [keys.node('/'), keys.node('/secret'), `${theirBinding['s3-prefix']}anything`]) {
      await refused(client.send(new GetObjectCommand({ Bucket: bucket(), Key })));
    }
  });

  test('nothing can be written or listed, not even its own', async () => {
    for (const prefix of [myBinding['s3-prefix']!, theirBinding['s3-prefix']!]) {
      const Key = storageKeys(prefix).node('/secret');
      await refused(client.send(new PutObjectCommand({ Bucket: bucket(), Key, Body: 'x' })));
      await refused(client.send(new ListObjectsV2Command({ Bucket: bucket(), Prefix: prefix })));
    }
    await refused(client.send(new ListObjectsV2Command({ Bucket: bucket() })));
  });
});

test('Redis takes nobody without its password, which no binding holds', async () => {
  const host = `${run().release}-redis.${run().namespace}.svc`;
  for (const send of ['GET x\r\n', 'INFO\r\n', `AUTH ${myBinding['s3-secret-access-key']}\r\nKEYS *\r\n`]) {
    const { text } = await mine.agent.ask('tcp', { host, port: 6379, send });
    expect(text).toMatch(/NOAUTH|WRONGPASS/);
    expect(text).not.toMatch(/^[+*$:]/);
    tried++;
  }
});

test.each(['writer', 'distributor', 'watch', 'heartbeat'])(
  "a pod without the trigger's token cannot post to the %s",
  async (name) => {
    const url = `http://${run().release}-${name}.${run().namespace}.svc.cluster.local/`;
    const event = {
      'content-type': 'application/octet-stream',
      'ce-specversion': '1.0',
      'ce-id': '1',
      'ce-source': '/e2e',
      'ce-type': 'io.faaskeeper.requests',
      'ce-subject': theirBinding.instance!,
    };
    for (const authorization of [undefined, 'Bearer wrong', 'Bearer ']) {
      const headers = authorization === undefined ? event : { ...event, authorization };
      const { status } = await mine.agent.ask('http', { url, method: 'POST', headers, body: 'x' });
      expect(status).toBe(401);
      tried++;
    }
  },
);

test('functions have no address outside of the cluster', async () => {
  const list = await kubectl().json<{ items: { status: { url: string } }[] }>([
    ...['get', 'services.serving.knative.dev', '--namespace', run().namespace],
  ]);
  expect(list.items).toHaveLength(4);
  for (const { status } of list.items) expect(new URL(status.url).hostname).toMatch(/\.svc\.[a-z.]+$/);
});

test('each gateway Service leads to its own tree only', async () => {
  for (const [bound, data] of [
    [mine, 'changed'],
    [theirs, 'mine alone'],
  ] as const) {
    const { service, namespace, port } = endpointOf(bound.resource);
    await using local = await forward(kubectl(), { namespace, to: `service/${service}`, port });
    const wire = await WireSession.open({ host: '127.0.0.1', port: local.port });
    expect(await wire.text('/secret')).toBe(data);
    wire.close();
  }
});

test('a session of one instance cannot be taken over through the gateway of the other', async () => {
  const forwarded = async (bound: Bound) => {
    const { service, namespace, port } = endpointOf(bound.resource);
    return forward(kubectl(), { namespace, to: `service/${service}`, port });
  };
  await using here = await forwarded(mine);
  await using there = await forwarded(theirs);
  const first = await WireSession.open({ host: '127.0.0.1', port: here.port });
  expect(await first.exists('/secret')).toBe(true);
  const second = await WireSession.open({ host: '127.0.0.1', port: there.port }, first.session);
  // What a server answers to an unknown session: a timeout of 0.
  expect(second.session.timeoutMs).toBe(0);
  tried++;
  first.close();
  second.close();
});

test('a NetworkPolicy admits the namespace of the resource to its port, and nobody else', async () => {
  const { status } = mine.resource;
  const policies = await kubectl().json<{ items: { metadata: { labels: Record<string, string> }; spec: unknown }[] }>([
    ...['get', 'networkpolicies', '--namespace', run().namespace],
    ...['--selector', `faaskeeper.io/instance-id=${myBinding.instance}`],
  ]);
  expect(policies.items).toHaveLength(1);
  expect(policies.items[0]?.spec).toMatchObject({
    policyTypes: ['Ingress'],
    ingress: [
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': mine.name.namespace } } }],
        ports: [{ port: status?.gatewayPort }],
      },
    ],
  });
});

describe("a gateway that enforces ZooKeeper's digest", () => {
  const pod = `${run().prefix}-enforcing`;

  beforeAll(async () => {
    interface Template {
      readonly spec: { readonly containers: readonly [{ readonly env: readonly object[] }, ...object[]] };
    }
    const deployment = await kubectl().json<{ spec: { template: Template } }>([
      ...['get', 'deployment', `${run().release}-gateway`, '--namespace', run().namespace],
    ]);
    const { spec } = deployment.spec.template;
    const [gateway, ...others] = spec.containers;
    const env = [...gateway.env, { name: 'FAASKEEPER_ENFORCE_AUTH_SCHEMES', value: 'digest' }];
    await kubectl().run(
      ['apply', '--filename', '-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: pod, namespace: run().namespace },
        spec: { ...spec, containers: [{ ...gateway, env }, ...others] },
      }),
    );
    await kubectl().run([
      ...['wait', '--namespace', run().namespace, '--for=condition=Ready', `pod/${pod}`, '--timeout=120s'],
    ]);
  });

  afterAll(async () => {
    const now = ['--grace-period=0', '--force', '--ignore-not-found'];
    await kubectl().run(['delete', 'pod', pod, '--namespace', run().namespace, ...now]);
  });

  const forwarded = () =>
    forward(kubectl(), { namespace: run().namespace, to: `pod/${pod}`, port: mine.resource.status?.gatewayPort ?? 0 });

  test('a connection without it gets nothing', async () => {
    await using local = await forwarded();
    const wire = await WireSession.open({ host: '127.0.0.1', port: local.port });
    await expect(wire.text('/secret')).resolves.toBeUndefined();
    tried++;
    wire.close();
  });

  test('one with it is served, and sees no node of another identity', async () => {
    await using local = await forwarded();
    const ann = await WireSession.open({ host: '127.0.0.1', port: local.port });
    expect(await ann.addAuth('ann:secret')).toBe(0);
    expect(await ann.text('/secret')).toBe('changed');
    expect(await ann.create('/anns', 'hers', { creatorOnly: true })).toBe(0);
    const bob = await WireSession.open({ host: '127.0.0.1', port: local.port });
    expect(await bob.addAuth('bob:secret')).toBe(0);
    expect(await bob.text('/anns')).toBeUndefined();
    expect(await ann.text('/anns')).toBe('hers');
    tried++;
    ann.close();
    bob.close();
    // Nor is it stored where clients read for themselves.
    await expect(mine.agent.call('a', 'getData', '/anns')).rejects.toMatchObject({ code: 'NoAuth' });
    tried++;
  });
});
