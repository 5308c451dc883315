/** The real adapters on a test's servers. */
import { type OpenStores, openStores, type StoresConfig } from '@faaskeeper/functions/stores';
import type { TestServers } from './servers.ts';

/** Servers that a test did not ask for are never connected to, but the adapters want an address. */
export function storesConfigOf({
  natsUrl,
  natsUser,
  natsPassword,
  natsCreds,
  redisUrl,
  s3,
}: TestServers): StoresConfig {
  return {
    nats:
      natsCreds === undefined
        ? { url: natsUrl, user: natsUser, password: natsPassword }
        : { url: natsUrl, credsFile: natsCreds },
    redis: { url: redisUrl || 'redis://127.0.0.1:1' },
    s3: s3.endpoint === '' ? { ...s3, endpoint: 'http://127.0.0.1:1', region: 'none' } : { ...s3 },
  };
}

export function openTestStores(servers: TestServers): Promise<OpenStores> {
  return openStores(storesConfigOf(servers), { name: 'test' });
}

/** Waits until the check holds; the test's own time-out is the bound. */
export async function eventually(check: () => boolean | Promise<boolean>, everyMs = 20): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, everyMs));
}
