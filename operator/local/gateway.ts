import { join } from 'node:path';
import type { InstanceSpecInput } from '@faaskeeper/protocol';
import { freePorts, loopback, ManagedProcess } from '../servers/index.ts';
import { converse } from '../servers/probes.ts';
import { gatewayDir } from './build.ts';
import { COLLECT_WHEN_IDLE, type FunctionSurroundings } from './functions.ts';
import { portFlag } from './names.ts';

export interface GatewayProcessOptions {
  readonly ports: Readonly<Record<'gateway', number>>;
  /** Settings of the gateway, as its environment variables. */
  readonly gateway?: Readonly<Record<string, string>>;
  readonly instance: Pick<InstanceSpecInput, 'id' | 'storagePrefix' | 'superX509' | 'userStorage'>;
  readonly logDir: string;
}

type Surroundings = Pick<FunctionSurroundings, 'nats' | 'redisUrl' | 's3' | 'logLevel'>;

/** The gateway of one instance as a child process (not started yet). */
export async function gatewayProcess(around: Surroundings, options: GatewayProcessOptions): Promise<ManagedProcess> {
  const { nats, s3 } = around;
  const { id: instance, storagePrefix: prefix, superX509, userStorage } = options.instance;
  const port = options.ports.gateway;
  const served = { port, instance, prefix, superX509, userStorage: userStorage?.type };
  const [adminPort] = await freePorts(1);
  return new ManagedProcess({
    title: 'gateway',
    command: process.execPath,
    args: [...COLLECT_WHEN_IDLE, join(gatewayDir, 'gateway.mjs')],
    env: {
      ...options.gateway,
      PORT: String(adminPort),
      NODE_COMPILE_CACHE: join(gatewayDir, 'compile-cache'),
      FAASKEEPER_HOST: loopback,
      FAASKEEPER_GATEWAY_HOST: loopback,
      FAASKEEPER_GATEWAY_INSTANCES: JSON.stringify([served]),
      FAASKEEPER_NATS_URL: nats.url,
      FAASKEEPER_NATS_USER: nats.user,
      FAASKEEPER_NATS_PASSWORD: nats.password,
      FAASKEEPER_REDIS_URL: around.redisUrl,
      FAASKEEPER_S3_ENDPOINT: s3.endpoint,
      FAASKEEPER_S3_REGION: s3.region,
      FAASKEEPER_S3_BUCKET: s3.bucket,
      FAASKEEPER_S3_ACCESS_KEY_ID: s3.accessKeyId,
      FAASKEEPER_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
      FAASKEEPER_LOG_LEVEL: around.logLevel,
    },
    host: loopback,
    port,
    portFlag: portFlag('gateway'),
    logFile: join(options.logDir, 'gateway.log'),
    // `imok`, or that the word is not in the whitelist: both are an answer.
    ready: () => converse(loopback, port, 'ruok', 'ok'),
  });
}
