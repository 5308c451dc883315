import type { Outside } from './ports.ts';

/**
 * What is found wrong with a store, or between stores. Each is counted (`faaskeeper_faults_total`) and logged;
 * docs/operations.md says what it means and what to do.
 */
export const FAULTS = [
  'object-damaged',
  'object-lost',
  'object-unrepairable',
  'user-storage-lost',
  'watermark-damaged',
  'checkpoint-damaged',
  'log-part-damaged',
  'system-store-damaged',
  'log-behind',
  'distributor-behind',
  'poison',
] as const;
export type Fault = (typeof FAULTS)[number];

/** What was brought back without an operator (`faaskeeper_repairs_total`). */
export const REPAIRS = ['object', 'redistribution', 'checkpoint', 'system-store'] as const;
export type Repair = (typeof REPAIRS)[number];

/** Counts what is reported. */
export interface Incidents {
  fault(fault: Fault): void;
  repair(repair: Repair): void;
}

type Reporting = Pick<Outside, 'logger' | 'incidents'>;

/** `fields` name what it is about: path, key, sequence; `err` the cause. */
export function reportFault({ logger, incidents }: Reporting, fault: Fault, fields: object, message: string): void {
  incidents?.fault(fault);
  logger.error({ fault, ...fields }, message);
}

export function reportRepair({ logger, incidents }: Reporting, repair: Repair, fields: object, message: string): void {
  incidents?.repair(repair);
  logger.warn({ repair, ...fields }, message);
}
