/** ZooKeeper's wire protocol in front of FaaSKeeper instances. */
export { BOUNDS } from './bounds.ts';
export { Gateway, type GatewayOptions } from './gateway.ts';
export type { GatewayOutside } from './instance.ts';
export { NotServedError } from './instances/index.ts';
export type { GatewaySettings, InstanceSettings } from './settings.ts';
export { SharedMessaging } from './shared-messaging.ts';
