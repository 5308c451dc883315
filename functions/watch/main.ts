/** The watch function: delivers registered watches to sinks over HTTP. */
import { changesInvocationSchema, EVENT_TYPES } from '../core/invocations.ts';
import { WatchDelivery } from '../core/watch/index.ts';
import { on, runFunction } from '../host/index.ts';
import { HttpSinks } from './sinks.ts';

const sinks = new HttpSinks();

await runFunction({
  name: 'watch',
  summary: 'delivers registered watches to their sinks as CloudEvents',
  create: (outside, spec) => new WatchDelivery(outside, spec, sinks),
  events: { [EVENT_TYPES.changes]: on(changesInvocationSchema, (watch: WatchDelivery, batch) => watch.handle(batch)) },
});
