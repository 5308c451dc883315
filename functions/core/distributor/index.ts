/** The distributor: makes committed transactions visible, in order. */
export { Distributor } from './distributor.ts';
