/** A process of `npm run simulate`: runs the slices that it is sent, and answers each with what came of it. */
import { parseArgs } from 'node:util';
import { install, mutantNamed } from './mutate.ts';
import type { Slice } from './slice.ts';

const { values } = parseArgs({
  options: { mutant: { type: 'string' }, 'keep-going': { type: 'boolean', default: false } },
});
if (values.mutant !== undefined) install(mutantNamed(values.mutant));
const { runSlice } = await import('./slice.ts');

process.on('message', (slice: Slice) => {
  runSlice(slice, { keepGoing: values['keep-going'] }).then(
    (outcome) => process.send?.(outcome),
    (error: unknown) => {
      console.error(`A seed from ${slice.from} on:`, error);
      process.exit(1);
    },
  );
});
// Nobody is left to be answered.
process.on('disconnect', () => process.exit());
