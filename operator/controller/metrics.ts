import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Metrics of the operator, in the format of Prometheus; docs/operations.md explains each. */
export function operatorMetrics() {
  const registry = new Registry();
  registry.setDefaultLabels({ program: 'operator' });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    reconciliations: new Counter({
      name: 'faaskeeper_operator_reconciliations_total',
      help: 'Reconciliations, by how they ended',
      labelNames: ['result'],
      registers,
    }),
    seconds: new Histogram({
      name: 'faaskeeper_operator_reconciliation_duration_seconds',
      help: 'Time that a reconciliation took',
      buckets: SECONDS,
      registers,
    }),
    depth: new Gauge({ name: 'faaskeeper_operator_queue_depth', help: 'Resources that wait for a worker', registers }),
    leads: new Gauge({ name: 'faaskeeper_operator_leader', help: '1 in the process that leads', registers }),
    instances: new Gauge({
      name: 'faaskeeper_operator_instances',
      help: 'FaaSKeeper resources, by whether they are ready',
      labelNames: ['ready'],
      registers,
    }),
    watchErrors: new Counter({
      name: 'faaskeeper_operator_watch_errors_total',
      help: 'Lists and watches that failed',
      labelNames: ['kind'],
      registers,
    }),
  };
}
export type OperatorMetrics = ReturnType<typeof operatorMetrics>;
