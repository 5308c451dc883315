/** Instances for the clients' own suites: one a cluster that a suite believes to start, made when it is first named. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loopback } from '../../operator/servers/index.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { privateServers, serversFileVariable } from '../support/servers.ts';

/** `super:test`, the superuser of both kazoo's and go-zookeeper's suites. */
const superDigest = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU=';

/** Tells the stand-ins for ZooKeeper's start scripts where to ask. */
export const controlVariable = 'FAASKEEPER_COMPATIBILITY_URL';

export interface Instances extends AsyncDisposable {
  /** GET `/NAME` there answers `HOST:PORT` of the gateway of the instance of that name; DELETE stops it. */
  readonly url: string;
  /** `environment`: settings of its gateway. */
  gateway(name: string, environment?: Readonly<Record<string, string>>): Promise<TestGateway>;
}

/** Starts the servers and functions that all of them share. `environment`: of the gateways that are asked for by URL. */
export async function startInstances(environment: Readonly<Record<string, string>>): Promise<Instances> {
  const own = await privateServers();
  const directory = await mkdtemp(join(tmpdir(), 'faaskeeper-compatibility-'));
  const file = join(directory, 'servers.json');
  await writeFile(file, JSON.stringify(own.addresses), { mode: 0o600 });
  process.env[serversFileVariable] = file;
  const started = new Map<string, Promise<TestGateway>>();
  const gateway: Instances['gateway'] = (name, settings = environment) => {
    const known = started.get(name) ?? startTestGateway({ instance: { superDigest }, environment: settings });
    started.set(name, known);
    return known;
  };
  const end = async (name: string) => {
    const known = started.get(name);
    started.delete(name);
    await (await known)?.stop();
    return '';
  };
  const control = createServer((request, response) => {
    const name = request.url ?? '/';
    const done = request.method === 'DELETE' ? end(name) : gateway(name).then((each) => each.connectString);
    done.then(
      (text) => response.end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => control.listen(0, loopback, resolve));
  return {
    url: `http://${loopback}:${(control.address() as AddressInfo).port}`,
    gateway,
    [Symbol.asyncDispose]: async () => {
      control.close();
      await Promise.allSettled([...started.values()].map(async (each) => (await each).stop()));
      await own.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
