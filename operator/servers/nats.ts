import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findServer } from './find.ts';
import { probeNats } from './probes.ts';
import { launch, settle } from './running.ts';
import { keptSecret, writePrivateFile } from './secrets.ts';
import type { RunningServer, StartOptions } from './types.ts';

/** Above a node of 1 MiB with its headers; NATS' default of 1 MB is below it. */
export const natsMaxPayloadBytes = 8 * 1024 * 1024;
/** Subjects are derived from paths, so a protocol line may be longer than NATS' default of 4 KiB. */
const maxControlLineBytes = 64 * 1024;

/** Somebody who may use NATS for one instance only. */
export interface NatsClientUser {
  readonly user: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export interface NatsOptions extends StartOptions {
  /** Besides the system user, which has all rights. Their passwords are made once and kept in the data directory. */
  readonly clients?: readonly NatsClientUser[];
}

export interface NatsCredentials {
  readonly user: string;
  readonly password: string;
}

export interface NatsServer extends RunningServer {
  readonly system: NatsCredentials;
  /** The credentials of each client user, by name. */
  readonly clients: Readonly<Record<string, NatsCredentials>>;
}

/** The client user of an instance: it may send requests and beats, and hear its own instance, nothing else. */
export function instanceUser(instanceId: string): NatsClientUser {
  return {
    user: instanceId,
    publish: [`fk.${instanceId}.req.>`, `fk.${instanceId}.beat.>`],
    subscribe: [`fk.${instanceId}.out.>`, `_INBOX_${instanceId}.>`],
  };
}

/** Starts nats-server with JetStream, where an acknowledged write is on disk (`sync_interval: always`). */
export async function startNats(options: NatsOptions): Promise<NatsServer> {
  const { path } = await findServer('nats', options);
  const place = await settle('NATS', options);
  const { host, port, dataDir } = place;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const passwordOf = (user: string) => keptSecret(join(dataDir, 'passwords', user));
  const system = { user: 'system', password: await passwordOf('system') };
  const clients: Record<string, NatsCredentials> = {};
  const users = [userBlock(system)];
  for (const client of options.clients ?? []) {
    const credentials = { user: client.user, password: await passwordOf(client.user) };
    clients[client.user] = credentials;
    users.push(userBlock(credentials, client));
  }
  const configFile = join(dataDir, 'nats.conf');
  await writePrivateFile(configFile, configuration(`${host}:${port}`, join(dataDir, 'jetstream'), users));
  const server = await launch(
    {
      title: 'NATS',
      scheme: 'nats',
      command: path,
      args: ['--config', configFile],
      ready: () => probeNats(host, port, system.user, system.password),
    },
    place,
    options,
  );
  return Object.assign(server, { system, clients });
}

function configuration(listen: string, storeDir: string, users: readonly string[]): string {
  return `# Written at every start.
listen: ${quote(listen)}
server_name: faaskeeper
max_payload: ${natsMaxPayloadBytes}
max_control_line: ${maxControlLineBytes}
jetstream {
  store_dir: ${quote(storeDir)}
  sync_interval: always
}
authorization {
  users: [
    ${users.join('\n    ')}
  ]
}
`;
}

function userBlock({ user, password }: NatsCredentials, rights?: NatsClientUser): string {
  const list = (subjects: readonly string[]) => `[${subjects.map(quote).join(', ')}]`;
  const permissions = rights
    ? `, permissions: { publish: { allow: ${list(rights.publish)} }, subscribe: { allow: ${list(rights.subscribe)} } }`
    : '';
  return `{ user: ${quote(user)}, password: ${quote(password)}${permissions} }`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
