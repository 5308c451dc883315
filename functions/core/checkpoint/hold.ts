import type { StorageKeys } from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import { sequencedId } from '../log-parts.ts';
import type { Outside } from '../ports.ts';

type HoldOutside = Pick<Outside, 'objects' | 'clock' | 'random'>;

/** Holds are named by their end (ms), beside the parts that they keep. No name of a part begins like this. */
function prefixOf(keys: StorageKeys): string {
  return keys.checkpointPart('hold-');
}

/**
 * While it lasts, no part of a checkpoint is removed: for who reads one for long. It is taken before the manifest is
 * read; a checkpointer that did not see it removes only what its manifest, which is that one or an older one, does not
 * name and what is not newer.
 */
export class Hold {
  readonly #outside: HoldOutside;
  readonly #keys: StorageKeys;
  #key: string | undefined;
  #renewAt = 0;

  constructor(outside: HoldOutside, keys: StorageKeys) {
    this.#outside = outside;
    this.#keys = keys;
  }

  /** Takes it, or prolongs it if half of its time is over; to be called again and again. */
  async keep(): Promise<void> {
    const { objects, clock, random } = this.#outside;
    const now = clock.now();
    if (now < this.#renewAt) return;
    const before = this.#key;
    const key = `${prefixOf(this.#keys)}${sequencedId(now + BOUNDS.holdMs, random)}`;
    await objects.put(key, new Uint8Array(0));
    this.#key = key;
    this.#renewAt = now + BOUNDS.holdMs / 2;
    if (before !== undefined) await objects.delete([before]);
  }

  async release(): Promise<void> {
    const key = this.#key;
    this.#key = undefined;
    this.#renewAt = 0;
    if (key !== undefined) await this.#outside.objects.delete([key]);
  }
}

/** Somebody reads a checkpoint; holds of those who died meanwhile are removed. */
export async function isHeld({ objects, clock }: HoldOutside, keys: StorageKeys): Promise<boolean> {
  const prefix = prefixOf(keys);
  const now = clock.now();
  let held = false;
  for await (const page of objects.list(prefix)) {
    const over = page.filter((key) => Number.parseInt(key.slice(prefix.length), 10) <= now);
    held ||= over.length < page.length;
    if (over.length > 0) await objects.delete(over);
  }
  return held;
}
