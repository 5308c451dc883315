import { randomUUID } from 'node:crypto';
import type { ObjectRequests } from '@faaskeeper/objects';
import type { S3Connection } from './client.ts';
import { retrying, statusOf } from './retry.ts';

/** How a store deletes an object only if it is the one that was seen; `none`: it cannot, tombstones stay. */
export type ConditionalDelete = 'if-match' | 'none';

/** What a store does, as far as FaaSKeeper depends on it. */
export interface UserStorageReport {
  readonly conditionalPut: boolean;
  readonly conditionalDelete: ConditionalDelete;
  readonly readAfterWrite: boolean;
  /** Answer to a GET of a missing key: 404, or 403 where the credential may not list. */
  readonly missingKey: 'not found' | 'forbidden' | 'other';
  /** Each finding in a sentence. */
  readonly findings: readonly string[];
}

/** The store cannot hold the user storage of an instance; the message says why and what to do. */
export class UnsuitableStoreError extends Error {
  override name = 'UnsuitableStoreError';
  readonly report: UserStorageReport;

  constructor(message: string, report: UserStorageReport) {
    super(message);
    this.report = report;
  }
}

/**
 * Tries out, on keys of its own below `prefix`, what the project relies on.
 *
 * @throws UnsuitableStoreError when conditional PUTs or reads after writes do not work; other errors for an outage.
 */
export async function probeUserStorage(connection: S3Connection, prefix: string): Promise<UserStorageReport> {
  const { objects } = connection;
  const key = `${prefix}probe-${randomUUID()}`;
  const findings: string[] = [];
  try {
    const missingKey = await probeMissingKey(objects, key, findings);
    const conditionalPut = await probeConditionalPut(objects, key, findings);
    const readAfterWrite = await probeReadAfterWrite(objects, key, findings);
    const conditionalDelete = await probeConditionalDelete(connection, prefix);
    findings.push(DELETE_FINDINGS[conditionalDelete]);
    const report = { conditionalPut, conditionalDelete, readAfterWrite, missingKey, findings };
    if (!conditionalPut || !readAfterWrite) throw unsuitable(report);
    return report;
  } finally {
    await objects.delete(key).catch(() => {});
  }
}

const DELETE_FINDINGS: Record<ConditionalDelete, string> = {
  'if-match': 'DELETE honours If-Match: tombstones of deleted nodes are removed.',
  none: 'DELETE ignores If-Match: tombstones of deleted nodes stay (some 100 bytes each).',
};

/** Only this part, for who needs nothing else. */
export async function probeConditionalDelete({ objects }: S3Connection, prefix: string): Promise<ConditionalDelete> {
  const key = `${prefix}probe-${randomUUID()}`;
  try {
    const put = (text: string) => retrying(() => objects.put(key, bytes(text)));
    const deleteIf = ({ etag }: { etag: string | undefined }) => outcome(objects.delete(key, ifMatch(etag)));
    const [first, second] = [await put('first'), await put('second')];
    const right = (await deleteIf(first)).refused && (await deleteIf(second)).done;
    return right && !(await exists(objects, key)) ? 'if-match' : 'none';
  } finally {
    await objects.delete(key).catch(() => {});
  }
}

async function probeMissingKey(
  objects: ObjectRequests,
  key: string,
  findings: string[],
): Promise<UserStorageReport['missingKey']> {
  const { status } = await outcome(objects.get(key));
  findings.push(`A missing key is answered with ${status}.`);
  return status === 404 ? 'not found' : status === 403 ? 'forbidden' : 'other';
}

/** Every case that the distributor may meet. */
async function probeConditionalPut(objects: ObjectRequests, key: string, findings: string[]): Promise<boolean> {
  const attempt = (body: string, condition: Headers) => outcome(objects.put(key, bytes(body), condition));
  const onMissing = await attempt('never', ifMatch('"00000000000000000000000000000000"'));
  const create = await attempt('one', { 'if-none-match': '*' });
  const createAgain = await attempt('two', { 'if-none-match': '*' });
  const replace = await attempt('three', ifMatch(create.etag));
  const replaceStale = await attempt('four', ifMatch(create.etag));
  const left = await textOf(objects, key);
  const cases: [holds: boolean, finding: string][] = [
    [onMissing.refused, `PUT with If-Match on a missing key is answered with ${onMissing.status} (wanted: 404 or 412)`],
    [create.done, `PUT with If-None-Match on a missing key is answered with ${create.status} (wanted: 200)`],
    [createAgain.refused, `PUT with If-None-Match on an object is answered with ${createAgain.status} (wanted: 412)`],
    [
      replace.done && replace.etag !== create.etag,
      `PUT with the right If-Match is answered with ${replace.status} (wanted: 200)`,
    ],
    [replaceStale.refused, `PUT with a stale If-Match is answered with ${replaceStale.status} (wanted: 412)`],
    [left === 'three', `after these PUTs the object holds '${left}' (wanted: 'three')`],
  ];
  for (const [holds, finding] of cases) if (!holds) findings.push(`${finding}.`);
  const works = cases.every(([holds]) => holds);
  if (works) findings.push('PUT honours If-Match and If-None-Match.');
  return works;
}

async function probeReadAfterWrite(objects: ObjectRequests, key: string, findings: string[]): Promise<boolean> {
  const rounds = 5;
  for (let round = 0; round < rounds; round++) {
    const written = randomUUID();
    await objects.put(key, bytes(written));
    if ((await textOf(objects, key)) !== written) {
      findings.push('A GET right after a PUT gave an older object.');
      return false;
    }
  }
  findings.push('A GET after a PUT gives what was written.');
  return true;
}

function unsuitable(report: UserStorageReport): UnsuitableStoreError {
  return new UnsuitableStoreError(
    `This S3 store cannot keep user storage safe: ${report.findings.join(' ')} Use a store with conditional writes ` +
      '(Amazon S3, MinIO, versitygw, SeaweedFS in a recent version), or update this one; see docs/stores.md.',
    report,
  );
}

/** What became of a request that a store may refuse; an outage (no answer, 5xx) throws. */
async function outcome(
  sent: Promise<unknown>,
): Promise<{ done: boolean; refused: boolean; status: number; etag: string | undefined }> {
  try {
    const answer = (await sent) as { etag?: string } | undefined;
    return { done: true, refused: false, status: 200, etag: answer?.etag };
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined || (status >= 500 && status !== 501)) throw error;
    return { done: false, refused: status === 412 || status === 409 || status === 404, status, etag: undefined };
  }
}

async function exists(objects: ObjectRequests, key: string): Promise<boolean> {
  return (await outcome(objects.get(key))).done;
}

async function textOf(objects: ObjectRequests, key: string): Promise<string> {
  return new TextDecoder().decode((await objects.get(key)).body);
}

type Headers = Readonly<Record<string, string>>;

/** Without a condition where the store gave no entity tag. */
function ifMatch(etag: string | undefined): Headers {
  return etag === undefined ? {} : { 'if-match': etag };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
