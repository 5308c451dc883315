import { join } from 'node:path';
import { loopback, ManagedProcess, probeHttp, type S3Address } from '../servers/index.ts';
import { functionsDir } from './build.ts';
import { projectDir } from './home.ts';
import { type FunctionName, portFlag } from './names.ts';
import type { NatsAddress } from './options.ts';

/** For programs that are not functions: they never end, however long nothing happens. */
export const COLLECT_WHEN_IDLE = ['--import', join(projectDir, 'operator/images/idle.mjs')] as const;

/** Where the functions find what they stand on. */
export interface FunctionSurroundings {
  readonly nats: NatsAddress;
  readonly redisUrl: string;
  readonly s3: S3Address;
  /** Only who has it may send the functions events. */
  readonly functionToken: string;
  readonly logLevel: string;
  readonly ports: Readonly<Record<FunctionName, number>>;
}

/** The environment of one function: the same variables that Kubernetes will set. */
export function functionEnvironment(name: FunctionName, around: FunctionSurroundings): Record<string, string> {
  const { nats, s3, ports } = around;
  const urlOf = (other: FunctionName) => `http://${loopback}:${ports[other]}`;
  return {
    PORT: String(ports[name]),
    NODE_COMPILE_CACHE: join(functionsDir, 'compile-cache'),
    FAASKEEPER_HOST: loopback,
    FAASKEEPER_NATS_URL: nats.url,
    FAASKEEPER_NATS_USER: nats.user,
    FAASKEEPER_NATS_PASSWORD: nats.password,
    FAASKEEPER_REDIS_URL: around.redisUrl,
    FAASKEEPER_S3_ENDPOINT: s3.endpoint,
    FAASKEEPER_S3_REGION: s3.region,
    FAASKEEPER_S3_BUCKET: s3.bucket,
    FAASKEEPER_S3_ACCESS_KEY_ID: s3.accessKeyId,
    FAASKEEPER_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    FAASKEEPER_FUNCTION_TOKEN: around.functionToken,
    FAASKEEPER_LOG_LEVEL: around.logLevel,
    ...(name === 'trigger'
      ? {
          FAASKEEPER_WRITER_URL: urlOf('writer'),
          FAASKEEPER_DISTRIBUTOR_URL: urlOf('distributor'),
          FAASKEEPER_WATCH_URL: urlOf('watch'),
          FAASKEEPER_HEARTBEAT_URL: urlOf('heartbeat'),
        }
      : {}),
  };
}

/** One function as a child process (not started yet). */
export function functionProcess(name: FunctionName, around: FunctionSurroundings, logDir: string): ManagedProcess {
  const port = around.ports[name];
  return new ManagedProcess({
    title: name,
    command: process.execPath,
    args: [...(name === 'trigger' ? COLLECT_WHEN_IDLE : []), join(functionsDir, `${name}.mjs`)],
    env: functionEnvironment(name, around),
    host: loopback,
    port,
    portFlag: portFlag(name),
    logFile: join(logDir, `${name}.log`),
    ready: () => probeHttp(`http://${loopback}:${port}/health/ready`),
  });
}
