/** The instances that a gateway serves, and the ports that lead to them. */

export { Route, type RouteSettings } from './route.ts';
export { type InstanceLimits, ServedInstance, type Surroundings } from './served-instance.ts';
export { NotServedError, Serving, type ServingOptions } from './serving.ts';
