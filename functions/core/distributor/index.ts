/** The distributor: makes committed transactions visible, in order. */
export { type Position, readWatermark } from '../stored-watermark.ts';
export { Distributor } from './distributor.ts';
