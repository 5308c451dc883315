/** The program of the hook Job, against a real API server. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runCredentials } from '../../../operator/credentials/index.ts';
import { type ControlPlane, controlPlaneAssets, startControlPlane } from '../../support/control-plane.ts';

const assets = controlPlaneAssets();
const SECRET = '/api/v1/namespaces/default/secrets/fk-credentials';
const ENV = { FAASKEEPER_NAMESPACE: 'default', FAASKEEPER_RELEASE: 'fk' };

interface Secret {
  readonly data: Record<string, string>;
}

const PROGRAM = join(import.meta.dirname, '../../../operator/credentials/index.ts');

/** In a process of its own: the Kubernetes library is a module that Jest cannot load. Returns what it said. */
async function runJob(kubeconfig: string, bundled: string): Promise<string> {
  const code = `const { runCredentials } = await import(${JSON.stringify(PROGRAM)}); await runCredentials(process.env)`;
  const args = ['--conditions=source', '--input-type=module', '--eval', code];
  const env = { ...process.env, ...ENV, FAASKEEPER_BUNDLED: bundled, KUBECONFIG: kubeconfig };
  return (await promisify(execFile)(process.execPath, args, { env })).stdout;
}

(assets === undefined ? describe.skip : describe)('with an API server', () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane(assets ?? '');
  }, 120_000);
  afterAll(() => plane?.stop());

  test('the Secret is made, completed by an upgrade, and otherwise left alone', async () => {
    const run = (bundled: string) => runJob(plane.kubeconfig, bundled);
    expect(await run('redis')).toContain('Made function-token, redis-password, redis-url');
    const first = (await plane.request<Secret>('GET', SECRET)).body.data;
    expect(Object.keys(first).sort()).toEqual(['function-token', 'redis-password', 'redis-url']);
    expect(Buffer.from(first['redis-url'] ?? '', 'base64').toString()).toContain('@fk-redis.default.svc:6379/0');

    const said = await run('redis,s3');
    const second = (await plane.request<Secret>('GET', SECRET)).body.data;
    expect(second).toMatchObject(first);
    expect(second).toHaveProperty('s3-secret-access-key');

    expect(await run('redis,s3')).toBe('Nothing is missing\n');
    expect((await plane.request<Secret>('GET', SECRET)).body.data).toEqual(second);
    expect(said).not.toContain(Buffer.from(second['s3-secret-access-key'] ?? '', 'base64').toString());
  });
});

test('a setting that is missing or wrong is named', async () => {
  await expect(runCredentials({})).rejects.toThrow(/FAASKEEPER_NAMESPACE and FAASKEEPER_RELEASE/);
  await expect(runCredentials({ ...ENV, FAASKEEPER_BUNDLED: 'nats,mysql' })).rejects.toThrow(/names mysql/);
});
