/** The heartbeat function: pings suspected sessions, and asks for the clean-up of what is due. */
import { Heartbeat } from '../core/heartbeat/index.ts';
import { EVENT_TYPES, suspectsInvocationSchema, sweepInvocationSchema } from '../core/invocations.ts';
import { on, runFunction } from '../host/index.ts';

await runFunction({
  name: 'heartbeat',
  summary: 'pings suspected sessions and expires the dead; sweeps containers and TTL nodes',
  create: (outside, spec) => new Heartbeat(outside, spec),
  events: {
    [EVENT_TYPES.suspects]: on(suspectsInvocationSchema, (heartbeat: Heartbeat, batch) => heartbeat.suspects(batch)),
    [EVENT_TYPES.sweep]: on(sweepInvocationSchema, (heartbeat: Heartbeat, batch) => heartbeat.sweep(batch)),
  },
});
