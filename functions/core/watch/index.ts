/** The watch function: delivers what registered watches see to their sinks. */
export { eventOf, WATCH_EVENT_TYPES } from './event.ts';
export { WATCH, WatchDelivery } from './watch.ts';
