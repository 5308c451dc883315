import * as v from 'valibot';
import { storageKeys } from './node-object.ts';

/**
 * Hybrid user storage: nodes and chunks are values in Redis, all else are objects in S3. Clients may read below
 * `public` only.
 *
 * | key | what |
 * | --- | --- |
 * | `fk:{id}:u:state` | how far what is there covers LOG (see encodeCovered) |
 * | `fk:{id}:u:n/<digest>`, `fk:{id}:u:c/<digest>/<id>` | node, chunk of children: the tag of the version, then the object |
 * | `fk:{id}:p:n/…`, `fk:{id}:p:c/…` | the same where not everyone may read |
 */
export function recordKeys(instance: string, storagePrefix: string): RecordKeys {
  const root = `fk:{${instance}}:`;
  const areas = [
    { objects: storageKeys(storagePrefix).public, records: `${root}u:` },
    { objects: `${storagePrefix}sys/`, records: `${root}p:` },
  ].flatMap(({ objects, records }) =>
    ['n/', 'c/'].map((kind) => ({ objects: `${objects}${kind}`, records: `${records}${kind}` })),
  );
  return {
    state: `${root}u:state`,
    pattern: `${root}[up]:[nc]/*`,
    publicNodes: `${root}u:n/`,
    areas,
    record(key) {
      for (const { objects, records } of areas) {
        if (key.startsWith(objects)) return `${records}${key.slice(objects.length)}`;
      }
      return undefined;
    },
  };
}

export interface RecordKeys {
  readonly state: string;
  /** Matches every record. */
  readonly pattern: string;
  /** What the records of public nodes begin with. */
  readonly publicNodes: string;
  /** Prefixes of keys in user storage, and of their keys in Redis. */
  readonly areas: readonly { readonly objects: string; readonly records: string }[];
  /** Where an object of user storage is in Redis; undefined: it is in S3. */
  record(key: string): string | undefined;
}

/** A record begins with a tag of so many random bytes, no two versions have the same. */
export const RECORD_TAG_BYTES = 8;

/** The object of a record. */
export function objectOfRecord(record: Uint8Array): Uint8Array {
  return record.subarray(RECORD_TAG_BYTES);
}

/** Everything up to `sequence` of LOG, and to `zxid`, is there. */
export interface Covered {
  readonly sequence: number;
  readonly zxid: number;
}

/**
 * `epoch` names one filling of the storage. Without `covered`, it is being filled: nothing may be read. The state is
 * followed by a count of writes since: a storage that lost some is not taken for one that has them.
 */
export function encodeCovered(epoch: string, covered: Covered | undefined): string {
  return `1 ${epoch} ${covered === undefined ? '- -' : `${covered.sequence} ${covered.zxid}`}`;
}

const stateSchema = v.pipe(v.string(), v.regex(/^1 [0-9a-f]+ \d{1,16} \d{1,16} \d{1,16}$/));

/** Undefined for a state that is missing, damaged, of another format, or of a storage that is being filled. */
export function decodeCovered(state: string | null | undefined): (Covered & { epoch: string }) | undefined {
  const parsed = v.safeParse(stateSchema, state);
  if (!parsed.success) return undefined;
  const [, epoch = '', sequence, zxid] = parsed.output.split(' ');
  return { epoch, sequence: Number(sequence), zxid: Number(zxid) };
}
