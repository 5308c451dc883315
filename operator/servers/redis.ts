import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findServer } from './find.ts';
import { probeRedis } from './probes.ts';
import { launch, settle } from './running.ts';
import { keptSecret, writePrivateFile } from './secrets.ts';
import type { RunningServer, StartOptions } from './types.ts';

export interface RedisServer extends RunningServer {
  readonly password: string;
  /** URL with the password. */
  readonly url: string;
}

export interface RedisOptions extends StartOptions {
  /** Whether its users outlive a restart (an aclfile, with ACL SAVE). Default true. */
  readonly keepsUsers?: boolean;
}

/** Starts redis-server, where an acknowledged write is on disk (`appendfsync always`) and nothing is evicted. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { path } = await findServer('redis', options);
  const place = await settle('Redis', options);
  const { host, port, dataDir } = place;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const password = await keptSecret(join(dataDir, 'passwords', 'default'));
  const configFile = join(dataDir, 'redis.conf');
  const access = (options.keepsUsers ?? true) ? await aclFile(dataDir, password) : `requirepass ${password}`;
  await writePrivateFile(configFile, configuration({ host, port, dataDir, access }));
  const server = await launch(
    {
      title: 'Redis',
      scheme: 'redis',
      command: path,
      args: [configFile],
      ready: () => probeRedis(host, port, password),
    },
    place,
    options,
  );
  return Object.assign(server, { password, url: `redis://:${password}@${host}:${port}/0` });
}

/** With a file for users, the password of the system is in it, and nowhere else. Those that it has stay. */
async function aclFile(dataDir: string, password: string): Promise<string> {
  const file = join(dataDir, 'users.acl');
  const kept = (await readFile(file, 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => !/^(user default .*)?$/.test(line));
  const digest = createHash('sha256').update(password).digest('hex');
  await writePrivateFile(file, `${[`user default on #${digest} ~* &* +@all`, ...kept].join('\n')}\n`);
  return `aclfile ${JSON.stringify(file)}`;
}

interface Configuration {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  /** Line that says who may use it. */
  readonly access: string;
}

function configuration({ host, port, dataDir, access }: Configuration): string {
  return `# Written at every start.
bind ${host}
port ${port}
dir ${JSON.stringify(dataDir)}
${access}
daemonize no
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
`;
}
