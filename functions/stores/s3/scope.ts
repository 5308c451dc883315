import { randomUUID } from 'node:crypto';
import { storageKeys } from '@faaskeeper/protocol';
import { connectS3 } from './client.ts';
import type { S3Options } from './options.ts';
import { statusOf } from './retry.ts';

/** What keys may do that are meant for reading the public objects of one instance. */
export interface KeyScope {
  /** They read what they are for. */
  readonly readsOwn: boolean;
  /** They read, or may learn of, objects of others or of the system. */
  readonly readsOthers: boolean;
  readonly writes: boolean;
}

/** Keys that are tried out. */
export type TriedKeys = Pick<S3Options, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>;

/**
 * Tries keys out on an object that the system makes and removes: a store may hand out keys and take no notice of the
 * policy they were asked for with.
 *
 * @throws on an outage, and when the system's own keys do not do.
 */
export async function probeKeyScope(system: S3Options, keys: TriedKeys, storagePrefix: string): Promise<KeyScope> {
  const [owner, client] = [connectS3(system), connectS3({ ...system, sessionToken: undefined, ...keys })];
  const named = storageKeys(storagePrefix);
  const id = `scope-${randomUUID()}`;
  const own = `${named.public}${id}`;
  const body = new Uint8Array(1);
  const statusOfGet = (key: string) => status(client.objects.get(key));
  try {
    await owner.objects.put(own, body);
    const reads = await statusOfGet(own);
    // What is not there is told to those only who may read it if it were.
    const others = await Promise.all([named.probe(id), storageKeys(`${id}/`).node('/')].map(statusOfGet));
    const writes = await status(client.objects.put(own, body));
    return { readsOwn: reads === 200, readsOthers: others.some((one) => one !== 403), writes: writes === 200 };
  } finally {
    await owner.objects.delete(own).catch(() => {});
    owner.destroy();
    client.destroy();
  }
}

async function status(sent: Promise<object>): Promise<number> {
  try {
    await sent;
    return 200;
  } catch (error) {
    const code = statusOf(error);
    if (code === undefined || code >= 500) throw error;
    return code;
  }
}
