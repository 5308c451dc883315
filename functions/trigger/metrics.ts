import type { LaneState, TriggerMetrics } from '../core/trigger/index.ts';
import { BATCH_SIZES, type ProgramMetrics } from '../host/index.ts';

/** Counts events by function and by where they are sent. */
export function invocationMetrics(metrics: ProgramMetrics): (name: string, to: 'route' | 'revision') => void {
  const labels = ['function', 'to'];
  const sent = metrics.counter('faaskeeper_invocations_total', 'Events that were sent to a function', labels);
  return (name, to) => sent.inc({ function: name, to });
}

/** The trigger's metrics; docs/operations.md explains each. */
export function triggerMetrics(metrics: ProgramMetrics): TriggerMetrics {
  const sizes = metrics.histogram('faaskeeper_batch_messages', 'Messages of a batch', ['lane'], BATCH_SIZES);
  const seconds = metrics.histogram('faaskeeper_batch_duration_seconds', 'Time until a batch is answered', ['lane']);
  const failures = metrics.counter('faaskeeper_lane_failures_total', 'Batches and sources that failed', ['lane']);
  const lanes = metrics.gauge('faaskeeper_lanes', 'Lanes by what they are doing', ['lane', 'state']);
  const sessions = metrics.gauge('faaskeeper_sessions', 'Living sessions', ['instance']);
  const suspects = metrics.counter('faaskeeper_suspects_total', 'Sessions handed to the heartbeat function');
  const watermark = metrics.gauge('faaskeeper_watermark_zxid', 'Everything up to this zxid is visible', ['instance']);
  const owned = metrics.gauge('faaskeeper_instance_owned', '1 where this trigger serves the lanes', ['instance']);
  const halted = metrics.gauge('faaskeeper_instance_halted', '1 where an instance takes no writes', ['instance']);
  const perInstance = [sessions, watermark, owned, halted];
  return {
    batch: (lane, messages, durationMs) => {
      sizes.observe({ lane }, messages);
      seconds.observe({ lane }, durationMs / 1000);
    },
    failure: (lane) => failures.inc({ lane }),
    state: (lane: string, from: LaneState, to: LaneState) => {
      if (from !== 'closed') lanes.dec({ lane, state: from });
      if (to !== 'closed') lanes.inc({ lane, state: to });
    },
    sessions: (instance, count) => sessions.set({ instance }, count),
    suspects: (count) => suspects.inc(count),
    watermark: (instance, zxid) => watermark.set({ instance }, zxid),
    owned: (instance, is) => owned.set({ instance }, is ? 1 : 0),
    halted: (instance, is) => halted.set({ instance }, is ? 1 : 0),
    forget: (instance) => {
      for (const gauge of perInstance) gauge.remove({ instance });
    },
  };
}
