/** The trigger as a core without input and output: lanes, sessions, sweeps. */
export { TRIGGER } from './bounds.ts';
export { InstanceTrigger } from './instance.ts';
export { Lane, type LaneOptions } from './lane.ts';
export {
  type Functions,
  InvocationError,
  type LaneName,
  type LaneState,
  laneLabel,
  type TriggerMetrics,
  type TriggerOutside,
} from './ports.ts';
export { SessionTable } from './session-table.ts';
export { Trigger, type TriggerOptions } from './trigger.ts';
