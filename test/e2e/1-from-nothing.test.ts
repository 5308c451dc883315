/** Proof 1: an instance from nothing, used by the native client in a pod and by ZooKeeper's clients at its Service. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { forward } from '../../operator/kubectl/index.ts';
import { kazoo, zkCli } from '../clients/programs.ts';
import { has } from '../support/programs.ts';
import { agentOf } from './support/agent.ts';
import { type Bound, endpointOf, idOf, secretOf } from './support/bound.ts';
import { declare, get, namespaceOf, removeNamespace, untilReady } from './support/instances.ts';
import { figure, kubectl, milliseconds, run } from './support/run.ts';
import { until } from './support/until.ts';
import { WireSession } from './support/wire.ts';

const java = has('java', '-version');
const withJava = java && has('javac', '-version') && has('mvn', '-version') ? test : test.skip;
const withPython = has('python3', '--version') ? test : test.skip;

let bound: Bound;

beforeAll(async () => {
  const namespace = await namespaceOf('shop');
  const name = { namespace, name: 'orders' };
  const begun = performance.now();
  // Not a word more than a user has to write: only the namespace is another.
  await declare(name);
  const resource = await untilReady(name);
  figure(1, 'instance Ready after `kubectl apply`', milliseconds(performance.now() - begun));
  const agent = await agentOf({ ...name, secretName: secretOf(resource) });
  bound = {
    name,
    resource,
    agent,
    [Symbol.asyncDispose]: async () => {
      await agent.stop();
      await removeNamespace(namespace);
    },
  };
});

afterAll(async () => bound?.[Symbol.asyncDispose]());

test('status tells the binding, the endpoint and the conditions of the generation', () => {
  const { metadata, status } = bound.resource;
  expect(status).toMatchObject({
    observedGeneration: metadata.generation,
    instanceId: metadata.uid.replaceAll('-', ''),
    mode: 'Shared',
    binding: { name: 'orders-faaskeeper' },
  });
  expect(status?.endpoints?.zookeeper).toMatch(/^[a-z0-9-]+\.[a-z0-9-]+\.svc(\.[a-z0-9.-]+)?:2181$/);
  const held = status?.conditions?.filter((one) => one.status === 'True').map(({ type }) => type);
  expect(held).toEqual(
    expect.arrayContaining(['Ready', 'LogReady', 'SystemStoreReady', 'StorageReady', 'FunctionsReady', 'GatewayReady']),
  );
  expect(status?.conditions?.find(({ type }) => type === 'CredentialsScoped')).toMatchObject({ status: 'True' });
});

test('a pod that mounts the Secret writes and reads with nothing to configure', async () => {
  const { ms } = await bound.agent.ask('open', { session: 'a' });
  figure(1, 'first session of a new instance', milliseconds(ms));
  expect(await bound.agent.call('a', 'create', '/hello', 'world')).toBe('/hello');
  expect(await bound.agent.call('a', 'getData', '/hello')).toMatchObject({ data: 'world', stat: { version: 0 } });
  expect(await bound.agent.call('a', 'create', '/seq-', null, { mode: 'EPHEMERAL_SEQUENTIAL' })).toBe(
    '/seq-0000000001',
  );
  expect(await bound.agent.call('a', 'getChildren', '/')).toEqual(expect.arrayContaining(['hello', 'zookeeper']));
});

test('the Secret follows the service-binding spec and holds no key of the system', async () => {
  const { namespace } = bound.name;
  const secret = await kubectl().json<{ type: string; data: Record<string, string> }>([
    ...['get', 'secret', secretOf(bound.resource), '--namespace', namespace],
  ]);
  const text = (key: string) => Buffer.from(secret.data[key] ?? '', 'base64').toString();
  expect(secret.type).toBe('servicebinding.io/faaskeeper');
  expect(text('type')).toBe('faaskeeper');
  expect(text('instance')).toBe(idOf(bound.resource));
  const system = await kubectl().json<{ data: Record<string, string> }>([
    ...['get', 'secret', `${run().release}-credentials`, '--namespace', run().namespace],
  ]);
  const values = Object.keys(secret.data).map(text).join('\n');
  for (const [key, value] of Object.entries(system.data)) {
    if (key !== 'nats-account') expect(values).not.toContain(Buffer.from(value, 'base64').toString());
  }
});

test('a session of the wire protocol sees what the native client wrote', async () => {
  const { service, namespace, port } = endpointOf(bound.resource);
  await using local = await forward(kubectl(), { namespace, to: `service/${service}`, port });
  const wire = await WireSession.open({ host: '127.0.0.1', port: local.port });
  expect(await wire.text('/hello')).toBe('world');
  wire.close();
});

test("the endpoint in status answers ZooKeeper's four-letter words from a pod", async () => {
  const { host, port } = endpointOf(bound.resource);
  const { text } = await until(() => bound.agent.ask('tcp', { host, port, send: 'srvr' }), { timeoutMs: 30_000 });
  expect(text).toMatch(/^Zookeeper version/);
});

withPython("kazoo's recipes work at the gateway's Service (needs Python 3)", async () => {
  const { service, namespace, port } = endpointOf(bound.resource);
  await using local = await forward(kubectl(), { namespace, to: `service/${service}`, port });
  const { code, stdout, stderr } = await kazoo(`127.0.0.1:${local.port}`);
  expect(`${stdout}${code === 0 ? '' : stderr}`).toMatch(/^(ok \w+\n)+$/);
  figure(1, 'kazoo: recipes that work', String(stdout.trim().split('\n').length));
});

withJava("zkCli's commands work at the gateway's Service (needs a JDK and Maven)", async () => {
  const { service, namespace, port } = endpointOf(bound.resource);
  await using local = await forward(kubectl(), { namespace, to: `service/${service}`, port });
  const { results, messages, events } = await zkCli(`127.0.0.1:${local.port}`, '/zkcli');
  expect(results.length).toBeGreaterThan(50);
  expect(messages.join('\n')).not.toMatch(/ConnectionLoss|SessionExpired/);
  expect(events.length).toBeGreaterThan(3);
  figure(1, 'zkCli: lines of results of a session of all commands', String(results.length));
});

test('the shell opens through kubectl', async () => {
  const program = join(import.meta.dirname, '../../operator/kubectl/main.ts');
  const { namespace, name } = bound.name;
  await bound.agent.call('a', 'create', '/shell', 'through kubectl');
  const args = ['--conditions=source', program, 'shell', name, '-n', namespace, 'get', '/shell'];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 90_000 });
  expect({ stdout: stdout.trim(), status }).toEqual({
    stdout: 'through kubectl',
    status: 0,
    ...(status ? { stderr } : {}),
  });
});

test('the printer columns show sessions and zxid', async () => {
  await until(
    async () => {
      const { status } = await get(bound.name);
      expect(status?.sessions).toBeGreaterThan(0);
      expect(status?.zxid).toBeGreaterThan(0);
      expect(status?.nodes).toBeGreaterThan(3);
    },
    { timeoutMs: 120_000, everyMs: 2_000 },
  );
  const { namespace, name } = bound.name;
  const printed = await kubectl().run(['get', 'fk', name, '--namespace', namespace]);
  expect(printed).toMatch(/NAME\s+READY\s+MODE\s+SESSIONS\s+ZXID\s+AGE/);
  expect(printed).toMatch(/orders\s+True\s+Shared\s+\d+\s+\d+/);
});
