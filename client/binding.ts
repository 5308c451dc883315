import { readFileSync } from 'node:fs';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { BadArgumentsError, INSTANCE_ID } from '@faaskeeper/protocol';
import type { Binding } from './options.ts';
import type { RedisLogin, S3Keys } from './transport/index.ts';

const TYPE = 'faaskeeper';

/**
 * Reads a service binding (servicebinding.io): a directory with one file a value. It is looked for in `dir`,
 * $FAASKEEPER_BINDING, a directory of type `faaskeeper` below $SERVICE_BINDING_ROOT, $FAASKEEPER_HOME/binding and
 * ./.faaskeeper/binding. Credentials in it may be renewed: a client reads them again when it needs them.
 *
 * @throws BadArgumentsError naming what is missing.
 */
export async function readBinding(dir?: string): Promise<Binding> {
  const found = dir ?? (await findBinding());
  const values = await readValues(found);
  const value = (name: string): string => {
    const text = values.get(name);
    if (text === undefined) throw new BadArgumentsError(`The service binding ${found} has no ${name}`);
    return text;
  };
  const type = value('type');
  if (type !== TYPE) throw new BadArgumentsError(`The service binding ${found} is of type ${type}, not ${TYPE}`);
  const instance = value('instance');
  if (!INSTANCE_ID.test(instance)) throw new BadArgumentsError(`The service binding ${found} names no valid instance`);
  if (!values.has('s3-access-key-id') && values.has('zookeeper')) {
    throw new BadArgumentsError(
      `The service binding ${found} has no s3-access-key-id: this instance has no keys of its own for the store. ` +
        `Use a ZooKeeper client on ${values.get('zookeeper')}, or give the instance keys of the store`,
    );
  }
  const ca = values.get('ca.crt');
  const trust = ca === undefined ? {} : { ca };
  return {
    instance,
    nats: {
      url: value('nats-url'),
      user: values.get('nats-user'),
      password: values.get('nats-password'),
      ...(values.has('nats-creds') ? { creds: () => readFileSync(join(found, 'nats-creds'), 'utf8') } : {}),
      ...trust,
    },
    s3: {
      endpoint: value('s3-endpoint'),
      region: values.get('s3-region'),
      bucket: value('s3-bucket'),
      accessKeyId: value('s3-access-key-id'),
      secretAccessKey: value('s3-secret-access-key'),
      sessionToken: values.get('s3-session-token'),
      prefix: value('s3-prefix'),
      renew: () => readKeys(found),
      ...trust,
    },
    ...(values.has('redis-url')
      ? { redis: { url: value('redis-url'), ...loginOf(values), renew: () => readLogin(found), ...trust } }
      : {}),
  };
}

function loginOf(values: ReadonlyMap<string, string>): RedisLogin {
  return { username: values.get('redis-username'), password: values.get('redis-password') };
}

async function readLogin(dir: string): Promise<RedisLogin> {
  return loginOf(await readValues(dir));
}

async function readKeys(dir: string): Promise<S3Keys> {
  const values = await readValues(dir);
  const [accessKeyId, secretAccessKey] = ['s3-access-key-id', 's3-secret-access-key'].map((name) => values.get(name));
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw new BadArgumentsError(`The service binding ${dir} has no keys of the store`);
  }
  return { accessKeyId, secretAccessKey, sessionToken: values.get('s3-session-token') };
}

const NAMES = [
  ...['type', 'instance', 'nats-url', 'nats-user', 'nats-password', 'nats-creds', 'zookeeper', 'ca.crt'],
  ...['s3-endpoint', 's3-region', 's3-bucket', 's3-access-key-id', 's3-secret-access-key', 's3-session-token'],
  ...['s3-prefix', 'redis-url', 'redis-username', 'redis-password'],
];

/**
 * All values of one moment: Kubernetes replaces the files of a mounted Secret by switching one link, so values that
 * belong together are read behind it. Trailing newlines do not count.
 */
async function readValues(dir: string): Promise<ReadonlyMap<string, string>> {
  for (;;) {
    const moment = await behindLink(dir);
    const texts = await Promise.all(NAMES.map((name) => optional(join(moment, name))));
    if (moment !== dir && moment !== (await behindLink(dir))) continue;
    return new Map(NAMES.flatMap((name, i) => (texts[i] === undefined ? [] : [[name, texts[i]] as const])));
  }
}

function behindLink(dir: string): Promise<string> {
  return realpath(join(dir, '..data')).catch(() => dir);
}

async function findBinding(): Promise<string> {
  const { FAASKEEPER_BINDING, SERVICE_BINDING_ROOT, FAASKEEPER_HOME } = process.env;
  if (FAASKEEPER_BINDING) return FAASKEEPER_BINDING;
  if (SERVICE_BINDING_ROOT) {
    for (const name of (await readdir(SERVICE_BINDING_ROOT).catch(() => [])).sort()) {
      const dir = join(SERVICE_BINDING_ROOT, name);
      if ((await optional(join(dir, 'type'))) === TYPE) return dir;
    }
  }
  for (const dir of [...(FAASKEEPER_HOME ? [join(FAASKEEPER_HOME, 'binding')] : []), join('.faaskeeper', 'binding')]) {
    if ((await optional(join(dir, 'type'))) !== undefined) return dir;
  }
  throw new BadArgumentsError(
    'No instance to connect to: give options, or a service binding in $FAASKEEPER_BINDING, $SERVICE_BINDING_ROOT, ' +
      '$FAASKEEPER_HOME/binding or ./.faaskeeper/binding',
  );
}

async function optional(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
