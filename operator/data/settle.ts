import { LogTrimmedError, type Outside } from '@faaskeeper/functions/core';
import { type Manifest, readManifest } from '@faaskeeper/functions/core/checkpoint';
import { Distributor, readWatermark } from '@faaskeeper/functions/core/distributor';
import { type InstanceSpec, storageKeys } from '@faaskeeper/protocol';
import { DATA } from './bounds.ts';

/**
 * Brings the checkpoint up to all that is committed now. The distributor of this process may run beside any other: while
 * the instance is served, its own one is given the time to make things visible first.
 *
 * @throws HaltedError when the stores disagree.
 */
export async function checkpointNow(
  outside: Outside,
  spec: InstanceSpec,
  { served, signal }: { served: boolean; signal?: AbortSignal | undefined },
): Promise<Manifest> {
  const keys = storageKeys(spec.storagePrefix);
  const { last } = await outside.log.bounds();
  const { manifest } = await readManifest(outside.objects, keys);
  if (last === 0 && manifest.sequence === 0) return manifest;
  const distributor = new Distributor(outside, spec);
  try {
    if (!served || !(await becomesVisible(outside, spec, last, signal))) await distribute(outside, distributor, last);
    await distributor.checkpoint();
  } finally {
    await distributor.close();
  }
  return (await readManifest(outside.objects, keys)).manifest;
}

async function becomesVisible(
  outside: Outside,
  spec: InstanceSpec,
  sequence: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const until = outside.clock.now() + DATA.visibleMs;
  for (;;) {
    const stored = await readWatermark(outside, storageKeys(spec.storagePrefix));
    if ((stored?.position?.sequence ?? 0) >= sequence) return true;
    if (outside.clock.now() >= until) return false;
    await outside.clock.sleep(DATA.visiblePollMs, signal);
  }
}

/** Up to the last message of LOG; the distributor reads what it lacks before that. */
async function distribute(outside: Outside, distributor: Distributor, last: number): Promise<void> {
  try {
    const messages = await outside.log.read(last, 1);
    await distributor.handle({ messages });
  } catch (error) {
    // Trimmed: it is in a checkpoint, and was visible before that.
    if (!(error instanceof LogTrimmedError)) throw error;
  }
}
