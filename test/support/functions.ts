/** The functions and the trigger as real processes, for tests. */
import { join } from 'node:path';
import { buildFunctions } from '../../operator/local/build.ts';
import { type FunctionSurroundings, functionEnvironment } from '../../operator/local/functions.ts';
import { type FunctionName, functionNames } from '../../operator/local/names.ts';
import { freePorts, loopback, ManagedProcess, probeHttp } from '../../operator/servers/index.ts';
import type { TestServers } from './servers.ts';

export interface FunctionsOptions {
  readonly logDir: string;
  /** Default: all of them. */
  readonly names?: readonly FunctionName[];
  readonly logLevel?: string;
}

/** Known to tests, so that they can post events themselves. */
export const TEST_FUNCTION_TOKEN = 'token-of-the-tests-0123456789';

export function functionsDir(): string {
  return join(import.meta.dirname, '../../dist/functions');
}

/** The functions on these servers, built if need be, not started yet; each may be killed and restarted. */
export async function functionProcesses(
  servers: TestServers,
  options: FunctionsOptions,
): Promise<Record<FunctionName, ManagedProcess>> {
  await buildFunctions();
  const ports = await freePorts(functionNames.length);
  const around: FunctionSurroundings = {
    nats: { url: servers.natsUrl, user: servers.natsUser, password: servers.natsPassword },
    redisUrl: servers.redisUrl,
    s3: servers.s3,
    functionToken: TEST_FUNCTION_TOKEN,
    logLevel: options.logLevel ?? 'info',
    ports: Object.fromEntries(functionNames.map((name, i) => [name, ports[i]])) as Record<FunctionName, number>,
  };
  const entries = functionNames.map((name) => {
    const port = around.ports[name];
    const process = new ManagedProcess({
      title: name,
      command: globalThis.process.execPath,
      args: ['--enable-source-maps', join(functionsDir(), `${name}.mjs`)],
      env: { ...functionEnvironment(name, around), FAASKEEPER_NATS_CREDS: servers.natsCreds ?? '' },
      host: loopback,
      port,
      logFile: join(options.logDir, `${name}.log`),
      ready: () => probeHttp(`http://${loopback}:${port}/health/ready`),
    });
    return [name, process] as const;
  });
  return Object.fromEntries(entries) as Record<FunctionName, ManagedProcess>;
}
