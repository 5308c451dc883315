/** A binding of an instance in a cluster, on this machine; kubectl is a program of the test. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forward, forwardBinding, Kubectl } from '../../../operator/kubectl/index.ts';
import { waitFor } from '../../../operator/servers/index.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faaskeeper-kubectl-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const base64 = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));

/** Answers `get`, and forwards nothing: it says so, and goes on until it is killed (or not, with `dies`). */
async function fakeKubectl(status: object, binding: Record<string, string>, { dies = false } = {}): Promise<Kubectl> {
  const program = join(directory, 'kubectl.cjs');
  const calls = join(directory, 'calls');
  await writeFile(
    program,
    `#!${process.execPath}
const args = process.argv.slice(2);
require('node:fs').appendFileSync(${JSON.stringify(calls)}, args.join(' ') + '\\n');
if (args[0] === 'get') {
  const secret = ${JSON.stringify({ data: base64(binding) })};
  console.log(JSON.stringify(args.includes('secret') ? secret : ${JSON.stringify({ status })}));
} else {
  const [local, port] = args.at(-1).split(':');
  console.log('Forwarding from 127.0.0.1:' + (local || 10000 + Number(port)) + ' -> ' + port);
  if (!${dies}) setInterval(() => {}, 1e9);
}
`,
  );
  await chmod(program, 0o700);
  return new Kubectl(program);
}

const calls = async () => (await readFile(join(directory, 'calls'), 'utf8')).trim().split('\n');
const orders = { namespace: 'shop', name: 'orders' };
const ready = { binding: { name: 'orders-faaskeeper' } };

test('addresses of Services lead to local ports, and everything else stays as it is', async () => {
  const kubectl = await fakeKubectl(ready, {
    type: 'faaskeeper',
    'nats-url': 'nats://nats.system.svc.cluster.local:4222',
    's3-endpoint': 'http://minio.system.svc:9000',
    zookeeper: 'shop-orders.system.svc:2181',
  });
  let left: string;
  {
    await using binding = await forwardBinding(kubectl, orders);
    left = binding.directory;
    const value = (name: string) => readFile(join(binding.directory, name), 'utf8');
    expect(await value('nats-url')).toBe('nats://127.0.0.1:14222');
    expect(await value('s3-endpoint')).toBe('http://127.0.0.1:19000');
    expect(await value('zookeeper')).toBe('shop-orders.system.svc:2181');
  }
  await expect(readFile(join(left, 'type'))).rejects.toThrow(/ENOENT/);
  expect(await calls()).toEqual(
    expect.arrayContaining([
      'get --namespace shop faaskeepers.faaskeeper.io orders --output json',
      'get --namespace shop secret orders-faaskeeper --output json',
      'port-forward --namespace system service/nats :4222',
      'port-forward --namespace system service/minio :9000',
    ]),
  );
});

test('servers outside of the cluster are reached directly', async () => {
  const urls = { 'nats-url': 'tls://nats.example.org:4222', 's3-endpoint': 'https://s3.example.org' };
  const kubectl = await fakeKubectl(ready, urls);
  await using binding = await forwardBinding(kubectl, orders);
  expect(await readFile(join(binding.directory, 'nats-url'), 'utf8')).toBe(urls['nats-url']);
  expect(await readFile(join(binding.directory, 's3-endpoint'), 'utf8')).toBe(urls['s3-endpoint']);
  expect((await calls()).filter((line) => line.startsWith('port-forward'))).toEqual([]);
});

test('TLS of a Service cannot be reached through a local port, and says so', async () => {
  const kubectl = await fakeKubectl(ready, { 'nats-url': 'tls://nats.system.svc:4222' });
  await expect(forwardBinding(kubectl, orders)).rejects.toThrow(/use a pod in the cluster/);
});

test('an instance without a binding says why', async () => {
  const conditions = [{ type: 'Ready', status: 'False', reason: 'LogNotReady', message: 'NATS does not answer' }];
  const kubectl = await fakeKubectl({ conditions }, {});
  await expect(forwardBinding(kubectl, orders)).rejects.toThrow('orders has no binding yet: NATS does not answer');
});

test('a forward that ends is made again at the same port', async () => {
  const kubectl = await fakeKubectl(ready, {}, { dies: true });
  await using local = await forward(kubectl, { namespace: 'system', to: 'service/nats', port: 4222 });
  expect(local.port).toBe(14_222);
  await waitFor(
    async () => {
      if ((await calls()).length < 3) throw new Error('not yet');
    },
    { timeoutMs: 10_000 },
  );
  expect((await calls()).slice(1)).toContain('port-forward --namespace system service/nats 14222:4222');
});
