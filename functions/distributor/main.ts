/** The distributor: LOG → user storage, change feed, watermark, checkpoints. */
import { Distributor } from '../core/distributor/index.ts';
import { checkpointInvocationSchema, EVENT_TYPES, transactionsInvocationSchema } from '../core/invocations.ts';
import { on, runFunction } from '../host/index.ts';

await runFunction({
  name: 'distributor',
  summary: 'makes committed transactions visible in order, and writes checkpoints',
  create: (outside, spec) => new Distributor(outside, spec),
  events: {
    [EVENT_TYPES.transactions]: on(transactionsInvocationSchema, (core: Distributor, batch) => core.handle(batch)),
    [EVENT_TYPES.checkpoint]: on(checkpointInvocationSchema, (core: Distributor, how) => core.checkpoint(how)),
  },
});
