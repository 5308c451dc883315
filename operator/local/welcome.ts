import { relative } from 'node:path';
import type { LocalFaaSKeeper } from './start.ts';

/** What a user reads when everything answers. The first line is a promise: scripts wait for it. */
export function welcome(local: LocalFaaSKeeper): string {
  const { binding, bindingDir, home, instance, processes, storeTitle } = local;
  const near = relative(process.cwd(), bindingDir);
  const path = near.startsWith('..') ? bindingDir : near;
  return `
FaaSKeeper is ready: instance ${instance}, user storage in ${storeTitle}, data in ${home}

Try it, in another terminal:
  npx faaskeeper shell
  npx faaskeeper create /hello "world"
  npx faaskeeper get /hello
  npx faaskeeper status

ZooKeeper's own clients connect as they are:
  zkCli.sh -server 127.0.0.1:${processes.gateway.port}

In a program of yours:
  import { FaaSKeeper } from '@faaskeeper/client';
  await using client = await FaaSKeeper.fromBinding('${path}');

NATS ${binding['nats-url']}, S3 ${binding['s3-endpoint']}; passwords are in ${path}. Ctrl-C stops everything.
`;
}
