/** Finds out whether the servers do what FaaSKeeper relies on, and says in plain words what is missing. */
import type { StoresConfig } from '@faaskeeper/functions/stores';
import { probeNats } from './nats.ts';
import { probeRedis } from './redis.ts';
import type { ServerReport } from './report.ts';
import { probeS3 } from './s3.ts';

export type { ProbedServer, ServerReport } from './report.ts';
export { probeNats, probeRedis, probeS3 };

/** Never throws; takes at most 20 s. It writes to the S3 store: not for every second. */
export function probeServers(config: StoresConfig): Promise<readonly ServerReport[]> {
  return Promise.all([probeNats(config.nats), probeRedis(config.redis), probeS3(config.s3)]);
}
