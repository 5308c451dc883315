/** The heartbeat function: pings suspects and submits what the system asks of itself. */
export { HEARTBEAT, Heartbeat } from './heartbeat.ts';
