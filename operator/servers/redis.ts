import { mkdir } from 'node:fs/promises';
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

/** Starts redis-server, where an acknowledged write is on disk (`appendfsync always`) and nothing is evicted. */
export async function startRedis(options: StartOptions): Promise<RedisServer> {
  const { path } = await findServer('redis', options);
  const place = await settle('Redis', options);
  const { host, port, dataDir } = place;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const password = await keptSecret(join(dataDir, 'passwords', 'default'));
  const configFile = join(dataDir, 'redis.conf');
  await writePrivateFile(configFile, configuration(host, port, dataDir, password));
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

function configuration(host: string, port: number, dataDir: string, password: string): string {
  return `# Written at every start.
bind ${host}
port ${port}
dir ${JSON.stringify(dataDir)}
requirepass ${password}
daemonize no
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
`;
}
