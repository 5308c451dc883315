/** Gateways of its own for a test: processes from the sources, in front of an instance of `startFaaSKeeper`. */
import { join } from 'node:path';
import { freePorts, loopback, ManagedProcess, probeHttp } from '../../operator/servers/index.ts';
import { type FaaSKeeperOptions, startFaaSKeeper } from './faaskeeper.ts';
import { servers } from './servers.ts';

export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
  /** `host:port`, as ZooKeeper's clients want it. */
  readonly connectString: string;
  readonly process: ManagedProcess;
  readonly adminPort: number;
  /** Speaks TLS, if certificates are in its environment. */
  readonly securePort: number;
}

/** The first of its gateways, and all of them. */
export interface TestGateway extends GatewayAddress, AsyncDisposable {
  readonly gateways: readonly GatewayAddress[];
  stop(): Promise<void>;
}

export interface TestGatewayOptions extends FaaSKeeperOptions {
  /** Gateway processes of the one instance; default 1. */
  readonly gateways?: number;
  /** Of the gateways, by name: `{ FAASKEEPER_MAX_BUFFER: '4096' }`. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a fresh instance, and gateways that serve it. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const { environment, gateways: count = 1, ...rest } = options;
  const faaskeeper = await startFaaSKeeper(rest);
  const gateways: GatewayAddress[] = [];
  const stop = async () => {
    await Promise.all(gateways.map(({ process }) => process.stop()));
    await faaskeeper.stop();
  };
  try {
    for (let index = 0; index < count; index++) {
      const gateway = await gatewayProcess(faaskeeper, options);
      gateways.push(gateway);
      await gateway.process.start();
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...gateways[0]!, gateways, stop, [Symbol.asyncDispose]: stop };
}

async function gatewayProcess(
  { spec, logDir }: Awaited<ReturnType<typeof startFaaSKeeper>>,
  options: TestGatewayOptions,
): Promise<GatewayAddress> {
  const [port, securePort] = (await freePorts(2)) as [number, number];
  const { id: instance, storagePrefix: prefix, superX509, userStorage } = spec;
  const served = { port, instance, prefix, superX509, userStorage: userStorage.type };
  const process = await program(logDir, options, {
    FAASKEEPER_GATEWAY_INSTANCES: JSON.stringify([served]),
    ...(options.environment?.FAASKEEPER_TLS_CERT === undefined
      ? {}
      : { FAASKEEPER_GATEWAY_SECURE_PORT: String(securePort) }),
  });
  return { ...process, host: loopback, port, securePort, connectString: `${loopback}:${port}` };
}

export interface RegistryGateway extends AsyncDisposable {
  readonly process: ManagedProcess;
  readonly adminPort: number;
}

/** A gateway (not started yet) that serves what the registry of these servers says. */
export async function registryGateway(
  logDir: string,
  options: Pick<TestGatewayOptions, 'servers' | 'environment' | 'logLevel'>,
): Promise<RegistryGateway> {
  const gateway = await program(logDir, options, {});
  return { ...gateway, [Symbol.asyncDispose]: () => gateway.process.stop() };
}

async function program(
  logDir: string,
  options: Pick<TestGatewayOptions, 'servers' | 'environment' | 'logLevel'>,
  environment: Readonly<Record<string, string>>,
): Promise<{ process: ManagedProcess; adminPort: number }> {
  const { natsUrl, natsUser, natsPassword, redisUrl, s3 } = options.servers ?? servers();
  const [adminPort] = (await freePorts(1)) as [number];
  const process = new ManagedProcess({
    title: 'gateway',
    command: globalThis.process.execPath,
    args: ['--conditions=source', '--enable-source-maps', join(import.meta.dirname, '../../client/gateway/main.ts')],
    env: {
      PORT: String(adminPort),
      FAASKEEPER_MAX_CLIENT_CONNECTIONS: '0',
      FAASKEEPER_FOUR_LETTER_WORDS: '*',
      FAASKEEPER_NATS_URL: natsUrl,
      FAASKEEPER_NATS_USER: natsUser,
      FAASKEEPER_NATS_PASSWORD: natsPassword,
      FAASKEEPER_REDIS_URL: redisUrl,
      FAASKEEPER_S3_ENDPOINT: s3.endpoint,
      FAASKEEPER_S3_REGION: s3.region,
      FAASKEEPER_S3_BUCKET: s3.bucket,
      FAASKEEPER_S3_ACCESS_KEY_ID: s3.accessKeyId,
      FAASKEEPER_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
      FAASKEEPER_LOG_LEVEL: options.logLevel ?? 'info',
      ...environment,
      ...options.environment,
    },
    host: loopback,
    port: adminPort,
    logFile: join(logDir, `gateway-${adminPort}.log`),
    ready: () => probeHttp(`http://${loopback}:${adminPort}/health/ready`),
  });
  return { process, adminPort };
}
