import { join, resolve } from 'node:path';
import { claimPort, loopback } from './ports.ts';
import { ManagedProcess, type ProcessSpec } from './process.ts';
import type { RunningServer, StartOptions } from './types.ts';

export interface Place {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
}

/** Settles host, port and data directory before a server's configuration is written. */
export async function settle(title: string, options: StartOptions): Promise<Place> {
  const { host = loopback, port = 0, portFlag } = options;
  return { host, port: await claimPort({ title, host, port, flag: portFlag }), dataDir: resolve(options.dataDir) };
}

export interface ServerProcess extends Pick<ProcessSpec, 'title' | 'command' | 'args' | 'ready'> {
  readonly env?: Readonly<Record<string, string>>;
  readonly scheme: 'nats' | 'redis' | 'http';
  readonly readyTimeoutMs?: number;
}

/** Starts the process and wraps it as a RunningServer. */
export async function launch(server: ServerProcess, place: Place, options: StartOptions): Promise<RunningServer> {
  const { scheme, ...spec } = server;
  const { host, port, dataDir } = place;
  const logFile = join(dataDir, 'server.log');
  const managed = new ManagedProcess({ ...spec, host, port, portFlag: options.portFlag, logFile });
  await managed.start(options.signal);
  return {
    title: server.title,
    host,
    port,
    address: `${scheme}://${host}:${port}`,
    logFile,
    process: managed,
    get pid() {
      return managed.pid;
    },
    kill: (signal) => managed.kill(signal),
    restart: (signal) => managed.restart(signal),
    stop: () => managed.stop(),
    [Symbol.asyncDispose]: () => managed.stop(),
  };
}
