/**
 * The servers that FaaSKeeper stands on (NATS, Redis, an S3 store), found or installed, and run as child processes
 * on this machine. Each `start…` resolves when the server answers; its data and secrets stay in its `dataDir`.
 */
export { ensureBucket, probeS3 } from './bucket.ts';
export { hasCode, ServerError, type ServerErrorCode } from './errors.ts';
export { defaultCacheDir, type FindOptions, type FoundServer, findServer, lookUp } from './find.ts';
export { isSameProcess, lockHolder, processStamp, tryLock, withLock } from './install/lock.ts';
export {
  instanceUser,
  type NatsClientUser,
  type NatsCredentials,
  type NatsOptions,
  type NatsServer,
  natsMaxPayloadBytes,
  startNats,
} from './nats.ts';
export { claimPort, freePorts, loopback } from './ports.ts';
export { probeHttp, probeNats, probeRedis } from './probes.ts';
export { ManagedProcess, type ProcessExit, type ProcessSpec } from './process.ts';
export { type RedisServer, startRedis } from './redis.ts';
export {
  chooseS3,
  isS3Kind,
  type S3Kind,
  type S3Options,
  type S3Server,
  s3Kinds,
  s3Region,
  startS3,
} from './s3/index.ts';
export { keptSecret, randomSecret, writePrivateFile } from './secrets.ts';
export type { RunningServer, S3Address, StartOptions } from './types.ts';
export { type ServerName, type ServerPackage, serverPackages, zookeeperVersion } from './versions.ts';
export { waitFor, within } from './wait.ts';
export { findZooKeeper, startZooKeeper, startZooKeeperEnsemble, type ZooKeeperServer } from './zookeeper.ts';
