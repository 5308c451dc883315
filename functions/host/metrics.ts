import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Incidents } from '../core/faults.ts';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
export const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Metrics of a program, in the format of Prometheus; docs/operations.md explains each. */
export class ProgramMetrics {
  readonly registry = new Registry();
  readonly contentType = this.registry.contentType;

  constructor(program: string) {
    this.registry.setDefaultLabels({ program });
    collectDefaultMetrics({ register: this.registry });
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }

  counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  /** Counters of what is found wrong with instances, and of what came right again (functions/core/faults.ts). */
  incidents(): (instance: string) => Incidents {
    const labels = ['instance', 'fault'];
    const faults = this.counter(
      'faaskeeper_faults_total',
      'What was found wrong with the stores of an instance',
      labels,
    );
    const repairs = this.counter('faaskeeper_repairs_total', 'What was rebuilt', ['instance', 'repair']);
    return (instance) => ({
      fault: (fault) => faults.inc({ instance, fault }),
      repair: (repair) => repairs.inc({ instance, repair }),
    });
  }

  histogram(name: string, help: string, labelNames: string[] = [], buckets: number[] = SECONDS): Histogram {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] });
  }
}
