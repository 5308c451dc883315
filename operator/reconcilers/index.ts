/** What an instance needs, decided from its resource and from what is there; all input and output is behind ports.ts. */
export { removeChildren } from './finalize.ts';
export { FAASKEEPERS, InstanceReconciler } from './instance.ts';
export { UserError } from './outcome.ts';
export type * from './ports.ts';
