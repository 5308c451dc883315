import { connectS3, probeUserStorage, type StoresConfig, UnsuitableStoreError } from '@faaskeeper/functions/stores';
import { type Finding, inTime, reportOf, type ServerReport, unreachable } from './report.ts';

const TIMEOUT_MS = 20_000;
/** Of the objects that the probe writes and removes again. */
const PREFIX = 'faaskeeper-probe/';

export async function probeS3(config: StoresConfig['s3']): Promise<ServerReport> {
  const client = connectS3(config);
  try {
    const { conditionalDelete } = await inTime(TIMEOUT_MS, probeUserStorage(client, PREFIX));
    const findings: Finding[] = [];
    if (conditionalDelete === 'none') {
      const message = 'It ignores If-Match on DELETE, so some 100 bytes stay of each node that was deleted.';
      findings.push({ fatal: false, reason: 'TombstonesStay', message });
    }
    return reportOf('s3', 'The S3 store answers, with conditional writes.', findings);
  } catch (error) {
    return failureOf(config, error);
  } finally {
    client.destroy();
  }
}

function failureOf({ endpoint, bucket }: StoresConfig['s3'], error: unknown): ServerReport {
  if (error instanceof UnsuitableStoreError) {
    return { server: 's3', ok: false, reason: 'ConditionalWritesMissing', message: error.message };
  }
  const { name, message } = error as Error;
  if (name === 'NoSuchBucket') {
    const text = `The S3 store at ${endpoint} has no bucket ${bucket}. Make it, or let the operator make it.`;
    return { server: 's3', ok: false, reason: 'BucketMissing', message: text };
  }
  return unreachable('s3', endpoint, new Error(name === 'Error' ? message : `${name}: ${message}`, { cause: error }));
}
