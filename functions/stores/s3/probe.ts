import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
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
export async function probeUserStorage(client: S3Client, bucket: string, prefix: string): Promise<UserStorageReport> {
  const at = { Bucket: bucket, Key: `${prefix}probe-${randomUUID()}` };
  const findings: string[] = [];
  try {
    const missingKey = await probeMissingKey(client, at, findings);
    const conditionalPut = await probeConditionalPut(client, at, findings);
    const readAfterWrite = await probeReadAfterWrite(client, at, findings);
    const conditionalDelete = await probeConditionalDelete(client, bucket, prefix);
    findings.push(DELETE_FINDINGS[conditionalDelete]);
    const report = { conditionalPut, conditionalDelete, readAfterWrite, missingKey, findings };
    if (!conditionalPut || !readAfterWrite) throw unsuitable(report);
    return report;
  } finally {
    await client.send(new DeleteObjectCommand(at)).catch(() => {});
  }
}

const DELETE_FINDINGS: Record<ConditionalDelete, string> = {
  'if-match': 'DELETE honours If-Match: tombstones of deleted nodes are removed.',
  none: 'DELETE ignores If-Match: tombstones of deleted nodes stay (some 100 bytes each).',
};

/** Only this part, for who needs nothing else. */
export async function probeConditionalDelete(
  client: S3Client,
  bucket: string,
  prefix: string,
): Promise<ConditionalDelete> {
  const at = { Bucket: bucket, Key: `${prefix}probe-${randomUUID()}` };
  try {
    const first = await retrying(() => client.send(new PutObjectCommand({ ...at, Body: 'first' })));
    const second = await retrying(() => client.send(new PutObjectCommand({ ...at, Body: 'second' })));
    const stale = await outcome(client.send(new DeleteObjectCommand({ ...at, IfMatch: first.ETag })));
    const right =
      stale.refused && (await outcome(client.send(new DeleteObjectCommand({ ...at, IfMatch: second.ETag })))).done;
    return right && !(await exists(client, at)) ? 'if-match' : 'none';
  } finally {
    await client.send(new DeleteObjectCommand(at)).catch(() => {});
  }
}

interface At {
  readonly Bucket: string;
  readonly Key: string;
}

async function probeMissingKey(client: S3Client, at: At, findings: string[]): Promise<UserStorageReport['missingKey']> {
  const { status } = await outcome(client.send(new GetObjectCommand(at)));
  findings.push(`A missing key is answered with ${status}.`);
  return status === 404 ? 'not found' : status === 403 ? 'forbidden' : 'other';
}

/** Every case that the distributor may meet. */
async function probeConditionalPut(client: S3Client, at: At, findings: string[]): Promise<boolean> {
  const attempt = async (body: string, condition: { IfMatch?: string | undefined; IfNoneMatch?: string }) =>
    outcome(client.send(new PutObjectCommand({ ...at, Body: body, ...definedOnly(condition) })));
  const onMissing = await attempt('never', { IfMatch: '"00000000000000000000000000000000"' });
  const create = await attempt('one', { IfNoneMatch: '*' });
  const createAgain = await attempt('two', { IfNoneMatch: '*' });
  const replace = await attempt('three', { IfMatch: create.etag });
  const replaceStale = await attempt('four', { IfMatch: create.etag });
  const { Body } = await client.send(new GetObjectCommand(at));
  const left = await Body?.transformToString();
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

async function probeReadAfterWrite(client: S3Client, at: At, findings: string[]): Promise<boolean> {
  const rounds = 5;
  for (let round = 0; round < rounds; round++) {
    const written = randomUUID();
    await client.send(new PutObjectCommand({ ...at, Body: written }));
    const { Body } = await client.send(new GetObjectCommand(at));
    if ((await Body?.transformToString()) !== written) {
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
  sent: Promise<object>,
): Promise<{ done: boolean; refused: boolean; status: number; etag: string | undefined }> {
  try {
    const { ETag } = (await sent) as { ETag?: string };
    return { done: true, refused: false, status: 200, etag: ETag };
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined || (status >= 500 && status !== 501)) throw error;
    return { done: false, refused: status === 412 || status === 409 || status === 404, status, etag: undefined };
  }
}

async function exists(client: S3Client, at: At): Promise<boolean> {
  return (await outcome(client.send(new GetObjectCommand(at)))).done;
}

function definedOnly(condition: { IfMatch?: string | undefined; IfNoneMatch?: string }): {
  IfMatch?: string;
  IfNoneMatch?: string;
} {
  return {
    ...(condition.IfMatch === undefined ? {} : { IfMatch: condition.IfMatch }),
    ...(condition.IfNoneMatch === undefined ? {} : { IfNoneMatch: condition.IfNoneMatch }),
  };
}
