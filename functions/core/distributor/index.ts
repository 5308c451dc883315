/** The distributor: makes committed transactions visible, in order. */
export type { Position } from '../ports.ts';
export { readWatermark } from '../stored-watermark.ts';
export { Distributor } from './distributor.ts';
