/**
 * What FaaSKeeper and ZooKeeper cost a day: measured CPU and memory times prices. Pure: inputs in, money out. Times are
 * s, memory GiB, money in the currency of the prices.
 */

export interface Prices {
  /** Where they are from, and when: for the report. */
  readonly source: string;
  readonly date: string;
  readonly currency: string;
  readonly cpuHour: number;
  readonly memoryGiBHour: number;
  readonly objectGiBMonth: number;
  readonly blockGiBMonth: number;
  /** Of an object store that is billed by request; one of one's own is in the measured CPU. */
  readonly objectPutsPer1000: number;
  readonly objectGetsPer1000: number;
  readonly vm: { readonly name: string; readonly hour: number };
}

/** CPU of all processes for one request, s. */
export interface RequestCpu {
  readonly read: number;
  readonly write: number;
}

export interface CostInputs {
  readonly own: RequestCpu & {
    /** All functions that a write wakes, while they are up. */
    readonly functionsGiB: number;
    /** Servers, trigger and gateway, which all instances share. */
    readonly platformGiB: number;
    /** CPU that the platform takes while nobody asks for anything, cores. */
    readonly platformCores: number;
    /** Of one further idle instance. */
    readonly instanceGiB: number;
  };
  /** All servers of an ensemble together. */
  readonly ensemble: RequestCpu & { readonly gib: number; readonly cores: number };
}

export interface Workload {
  /** A day, on one instance. */
  readonly requests: number;
  /** 0 to 1. */
  readonly reads: number;
  /** Instances like it that share the platform. */
  readonly instances: number;
  /** Stored data, GiB. */
  readonly dataGiB: number;
}

export interface Assumptions {
  /** Functions stay up for so long after a request, s: Knative's window and its grace time. */
  readonly warmSeconds: number;
  /** The object store is billed by request. */
  readonly billedStore: boolean;
}

export const ASSUMED: Assumptions = { warmSeconds: 90, billedStore: false };
export const ENSEMBLE_SERVERS = 3;

const DAY = 86_400;
const HOURS = 24;
const DAYS_OF_MONTH = 365 / 12;
/** Bounds of the search for a break-even, requests a day. */
const MOST_REQUESTS = 1e12;
const SEARCH_STEPS = 200;

/** Parts of one instance's cost a day. */
export interface OwnCost {
  /** CPU of its requests, and of a billed store's. */
  readonly requests: number;
  /** Memory of functions while they are up, its share of it. */
  readonly functions: number;
  /** Memory that it takes although nobody uses it. */
  readonly instance: number;
  /** Its share of the platform. */
  readonly platform: number;
  readonly storage: number;
  readonly total: number;
}

export function ownCost(
  { own }: CostInputs,
  prices: Prices,
  { requests, reads, instances, dataGiB }: Workload,
  { warmSeconds, billedStore }: Assumptions = ASSUMED,
): OwnCost {
  const [readsADay, writesADay] = [requests * reads, requests * (1 - reads)];
  const cpuSeconds = readsADay * own.read + writesADay * own.write;
  const billed = billedStore
    ? (writesADay * prices.objectPutsPer1000 + readsADay * prices.objectGetsPer1000) / 1000
    : 0;
  // Writes come at random: functions are up unless none came for so long, from any of the instances.
  const upADay = DAY * (1 - Math.exp((-writesADay * instances * warmSeconds) / DAY));
  const memory = (gib: number, seconds: number) => (gib * seconds * prices.memoryGiBHour) / 3600;
  const parts = {
    requests: (cpuSeconds * prices.cpuHour) / 3600 + billed,
    functions: memory(own.functionsGiB, upADay) / instances,
    instance: memory(own.instanceGiB, DAY),
    platform: (memory(own.platformGiB, DAY) + own.platformCores * HOURS * prices.cpuHour) / instances,
    storage: (dataGiB * prices.objectGiBMonth) / DAYS_OF_MONTH,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}

/** An ensemble of its own for each instance: on rented machines, as the paper has it, or as pods at the same prices. */
export function ensembleCost(
  { ensemble }: CostInputs,
  prices: Prices,
  { requests, reads, dataGiB }: Workload,
  on: 'machines' | 'pods',
): number {
  const storage = (ENSEMBLE_SERVERS * dataGiB * prices.blockGiBMonth) / DAYS_OF_MONTH;
  if (on === 'machines') return ENSEMBLE_SERVERS * HOURS * prices.vm.hour + storage;
  const cpuHours = (requests * (reads * ensemble.read + (1 - reads) * ensemble.write)) / 3600;
  const idle = ensemble.gib * HOURS * prices.memoryGiBHour + ensemble.cores * HOURS * prices.cpuHour;
  return idle + cpuHours * prices.cpuHour + storage;
}

/** Requests a day at which the ensemble becomes the cheaper one; undefined: never, 0: always. */
export function breakEven(
  inputs: CostInputs,
  prices: Prices,
  workload: Omit<Workload, 'requests'>,
  on: 'machines' | 'pods',
): number | undefined {
  const dearer = (requests: number) =>
    ownCost(inputs, prices, { ...workload, requests }).total >
    ensembleCost(inputs, prices, { ...workload, requests }, on);
  if (dearer(0)) return 0;
  if (!dearer(MOST_REQUESTS)) return undefined;
  let [low, high] = [0, MOST_REQUESTS];
  for (let step = 0; step < SEARCH_STEPS && high - low > 1; step++) {
    const middle = (low + high) / 2;
    if (dearer(middle)) high = middle;
    else low = middle;
  }
  return Math.round(high);
}
