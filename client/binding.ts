import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BadArgumentsError, INSTANCE_ID } from '@faaskeeper/protocol';
import type { Binding } from './options.ts';

const TYPE = 'faaskeeper';

/**
 * Reads a service binding (servicebinding.io): a directory with one file a value. It is looked for in `dir`,
 * $FAASKEEPER_BINDING, a directory of type `faaskeeper` below $SERVICE_BINDING_ROOT, $FAASKEEPER_HOME/binding and
 * ./.faaskeeper/binding.
 *
 * @throws BadArgumentsError naming what is missing.
 */
export async function readBinding(dir?: string): Promise<Binding> {
  const found = dir ?? (await findBinding());
  const value = async (name: string): Promise<string> => {
    const text = await optional(join(found, name));
    if (text === undefined) throw new BadArgumentsError(`The service binding ${found} has no ${name}`);
    return text;
  };
  const type = await value('type');
  if (type !== TYPE) throw new BadArgumentsError(`The service binding ${found} is of type ${type}, not ${TYPE}`);
  const instance = await value('instance');
  if (!INSTANCE_ID.test(instance)) throw new BadArgumentsError(`The service binding ${found} names no valid instance`);
  const [user, password, region] = await Promise.all(
    ['nats-user', 'nats-password', 's3-region'].map((name) => optional(join(found, name))),
  );
  return {
    instance,
    nats: { url: await value('nats-url'), user, password },
    s3: {
      endpoint: await value('s3-endpoint'),
      region,
      bucket: await value('s3-bucket'),
      accessKeyId: await value('s3-access-key-id'),
      secretAccessKey: await value('s3-secret-access-key'),
      prefix: await value('s3-prefix'),
    },
  };
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

/** Trailing newlines do not count. */
async function optional(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
