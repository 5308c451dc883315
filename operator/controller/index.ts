/** What wakes the reconcilers: informers, work queue, leader election; probes and metrics of the process. */
export { CONTROLLER } from './bounds.ts';
export { Controller, type ControllerOptions } from './controller.ts';
export { EventRecorder } from './events.ts';
export { serveHttp } from './http.ts';
export { LeaderElection } from './leader.ts';
export { operatorMetrics } from './metrics.ts';
