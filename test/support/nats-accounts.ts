/** nats-server as the chart runs it: with the configuration and credentials that the hook Job makes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCredentials } from '../../operator/credentials/index.ts';
import { findServer, freePorts, loopback, ManagedProcess, probeHttp } from '../../operator/servers/index.ts';

export interface AccountsNats {
  readonly url: string;
  /** Path of the system's .creds file. */
  readonly systemCreds: string;
  readonly account: string;
  readonly signingSeed: string;
  /** All that was made. */
  readonly keys: Readonly<Record<string, string>>;
  readonly process: ManagedProcess;
  /** For files of the test; removed with the server. */
  readonly dir: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `edit`: changes the configuration before the server sees it. */
export async function startAccountsNats(edit: (config: string) => string = (config) => config): Promise<AccountsNats> {
  const dir = await mkdtemp(join(tmpdir(), 'faaskeeper-nats-'));
  const keys = await makeCredentials({}, { bundled: ['nats'], redisHost: 'redis' });
  const [port, monitoring] = (await freePorts(2)) as [number, number];
  const config = (keys['nats.conf'] ?? '')
    .replace('port: 4222', `host: ${loopback}\nport: ${port}`)
    .replace('http_port: 8222', `http_port: ${monitoring}`)
    .replace('"/data"', JSON.stringify(dir));
  const [configFile, systemCreds] = [join(dir, 'nats.conf'), join(dir, 'system.creds')];
  await writeFile(configFile, edit(config), { mode: 0o600 });
  await writeFile(systemCreds, keys['nats-system.creds'] ?? '', { mode: 0o600 });
  const { path } = await findServer('nats', {});
  const process = new ManagedProcess({
    title: 'NATS with accounts',
    command: path,
    args: ['--config', configFile],
    host: loopback,
    port,
    logFile: join(dir, 'server.log'),
    ready: () => probeHttp(`http://${loopback}:${monitoring}/healthz`),
  });
  const stop = async () => {
    await process.stop();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await process.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `nats://${loopback}:${port}`,
    systemCreds,
    account: keys['nats-account'] ?? '',
    signingSeed: keys['nats-account-seed'] ?? '',
    keys,
    process,
    dir,
    [Symbol.asyncDispose]: stop,
  };
}
