import { setFlagsFromString } from 'node:v8';

/**
 * Messages are buffers outside V8's heap, but count as growth of it; and the live heap of a trigger is small. So V8 would
 * mark all of it anew every few batches: under load, half of the trigger's CPU time. Collecting the young generation is
 * cheap and sets buffers free, so that stays small; and the whole is marked when it is three times what was live, as far as
 * the container has the memory.
 */
export function collectYoungBeforeOld(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=200');
}
