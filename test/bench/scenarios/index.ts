/** All experiments, in the order in which they are run and told. */
import { breakdown } from './breakdown.ts';
import { children } from './children.ts';
import { coldstart } from './coldstart.ts';
import { cost } from './cost.ts';
import type { Experiment } from './experiment.ts';
import { fanout } from './fanout.ts';
import { floors } from './floors.ts';
import { gateway } from './gateway.ts';
import { heartbeat } from './heartbeat.ts';
import { idle } from './idle.ts';
import { instances } from './instances.ts';
import { memory } from './memory.ts';
import { mix } from './mix.ts';
import { operations } from './operations.ts';
import { primitives } from './primitives.ts';
import { queues } from './queues.ts';
import { sustained } from './sustained.ts';
import { tree } from './tree.ts';
import { watch } from './watch.ts';

export const experiments: readonly Experiment[] = [
  primitives,
  queues,
  operations,
  floors,
  breakdown,
  sustained,
  mix,
  instances,
  gateway,
  memory,
  watch,
  fanout,
  heartbeat,
  coldstart,
  idle,
  children,
  cost,
  // Last: what it fills stays.
  tree,
];
