/** The writer: REQ → LOG. */
import { EVENT_TYPES, requestsInvocationSchema } from '../core/invocations.ts';
import { Writer } from '../core/writer/index.ts';
import { on, runFunction } from '../host/index.ts';

await runFunction({
  name: 'writer',
  summary: 'orders, validates and commits the requests of sessions',
  create: (outside, spec) => new Writer(outside, spec),
  events: { [EVENT_TYPES.requests]: on(requestsInvocationSchema, (writer: Writer, batch) => writer.handle(batch)) },
});
