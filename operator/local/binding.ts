import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '../servers/index.ts';

/** What a client needs to reach an instance, under the names of the service-binding files. */
export interface Binding {
  readonly type: 'faaskeeper';
  readonly provider: string;
  readonly instance: string;
  readonly 'nats-url': string;
  readonly 'nats-user': string;
  readonly 'nats-password': string;
  readonly 's3-endpoint': string;
  readonly 's3-region': string;
  readonly 's3-bucket': string;
  readonly 's3-access-key-id': string;
  readonly 's3-secret-access-key': string;
  readonly 's3-prefix': string;
  /** Of an instance with Hybrid user storage. */
  readonly 'redis-url'?: string;
  readonly 'redis-username'?: string;
  readonly 'redis-password'?: string;
}

/** A Redis user that may read the nodes of one instance; where Redis makes none, the one that was given. */
export async function redisBinding(systemUrl: string, instance: string): Promise<Partial<Binding>> {
  // Imported here because it takes a while to load.
  const { RedisUsers } = await import('../credentials/redis-users.ts');
  const url = new URL(systemUrl);
  const given = { username: decodeURIComponent(url.username) || 'default', password: decodeURIComponent(url.password) };
  Object.assign(url, { username: '', password: '' });
  const users = new RedisUsers(systemUrl);
  try {
    const issued = await users.issue(instance);
    const { username, password } = 'refusal' in issued ? given : issued;
    return { 'redis-url': url.toString(), 'redis-username': username, 'redis-password': password };
  } finally {
    users.close();
  }
}

/** Writes a binding as a directory with one file per key, readable by its owner only. */
export async function writeBinding(directory: string, binding: Binding): Promise<void> {
  const next = `${directory}.new`;
  await rm(next, { recursive: true, force: true });
  for (const [key, value] of Object.entries(binding)) await writePrivateFile(join(next, key), value);
  await rm(directory, { recursive: true, force: true });
  await rename(next, directory);
}
