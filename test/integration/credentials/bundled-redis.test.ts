/** The Redis of the chart, started as its pod starts it: who may use it, on a new volume and on one that has been used. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis } from '@faaskeeper/functions/stores';
import { RedisUsers } from '../../../operator/credentials/index.ts';
import { freePorts, loopback, ManagedProcess, probeRedis } from '../../../operator/servers/index.ts';
import { describeChart, named, render } from '../../support/chart.ts';

let dir: string;
let port: number;
let script: string;

async function start(password: string): Promise<ManagedProcess> {
  const process = new ManagedProcess({
    title: 'Redis of the chart',
    command: '/bin/sh',
    args: ['-ec', script],
    env: { REDISCLI_AUTH: password, PATH: globalThis.process.env.PATH ?? '' },
    host: loopback,
    port,
    logFile: join(dir, 'server.log'),
    ready: () => probeRedis(loopback, port, password),
  });
  await process.start();
  return process;
}

const urlOf = (login: string) => `redis://${login}@${loopback}:${port}/0`;

async function get(login: string, key: string): Promise<string | null> {
  const client = connectRedis({ url: urlOf(login), name: 'test' });
  try {
    return await client.get(key);
  } finally {
    client.disconnect();
  }
}

describeChart('the bundled Redis', () => {
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'faaskeeper-redis-'));
    [port = 0] = await freePorts(1);
    const manifests = await render();
    const config = named(manifests, 'ConfigMap', 'faaskeeper-redis').data['redis.conf'] as string;
    await writeFile(join(dir, 'redis.conf'), config.replaceAll('/data', dir).replace('port 6379', `port ${port}`));
    const [, , command] = named(manifests, 'StatefulSet', 'faaskeeper-redis').spec.template.spec.containers[0].command;
    script = command.replaceAll('/data', dir).replaceAll('/etc/redis', dir);
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test('takes the password of the release only, keeps users of instances, and takes another password later', async () => {
    const first = await start('pass#word$1');
    const users = new RedisUsers(urlOf(`:${encodeURIComponent('pass#word$1')}`));
    const made = await users.issue('one');
    if ('refusal' in made) throw new Error(made.refusal);
    expect(made.saved).toBe(true);
    users.close();
    await expect(get(':wrong', 'fk:{one}:u:n')).rejects.toThrow(/WRONGPASS/);
    await first.stop();

    const second = await start('another');
    expect(await get(`${made.username}:${made.password}`, 'fk:{one}:u:n')).toBeNull();
    expect(await get(':another', 'anything')).toBeNull();
    await second.stop();
    const file = await readFile(join(dir, 'users.acl'), 'utf8');
    expect(file.match(/^user default /gm)).toHaveLength(1);
    expect(file).not.toContain('another');
  });

  test('goes on with the data of a release that had no file for users', async () => {
    const before = await start('system');
    const client = connectRedis({ url: urlOf(':system'), name: 'test' });
    await client.set('kept', 'yes');
    client.disconnect();
    await before.stop();
    await rm(join(dir, 'users.acl'));
    const after = await start('system');
    expect(await get(':system', 'kept')).toBe('yes');
    await after.stop();
  });
});
