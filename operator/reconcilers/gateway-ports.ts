import { createHash } from 'node:crypto';
import { LABELS } from '../api/index.ts';
import type { Service } from '../kubernetes/index.ts';
import { gatewayPortOf } from '../resources/index.ts';
import { UserError } from './outcome.ts';

export interface Claim {
  readonly instance: string;
  /** Its Service, if it is there. */
  readonly own: Service | undefined;
  /** All Services that lead to a port. */
  readonly servicesAt: (port: number) => readonly Service[];
  readonly range: readonly [first: number, last: number];
}

/**
 * Gives each instance a port of its own on the gateway's pods. The Services say who has which: where two have the same
 * one (two operators at once), the older keeps it. Ports that were given out while their Service is not there yet are
 * remembered.
 */
export class GatewayPorts {
  readonly #given = new Map<string, number>();
  readonly #holders = new Map<number, string>();

  /** @throws UserError when all are taken. */
  claim({ instance, own, servicesAt, range }: Claim): number {
    const isFree = (port: number) =>
      [instance, undefined].includes(ownerOf(servicesAt(port))) &&
      [instance, undefined].includes(this.#holders.get(port));
    const known = (own === undefined ? undefined : gatewayPortOf(own)) ?? this.#given.get(instance);
    const keeps = known !== undefined && inRange(known, range) && isFree(known);
    const port = keeps ? known : firstFree(instance, range, isFree);
    this.release(instance);
    this.#given.set(instance, port);
    this.#holders.set(port, instance);
    return port;
  }

  /** The instance is gone. */
  release(instance: string): void {
    const port = this.#given.get(instance);
    if (port === undefined) return;
    this.#given.delete(instance);
    this.#holders.delete(port);
  }
}

/** Instance of the oldest Service. */
export function ownerOf(services: readonly Service[]): string | undefined {
  const named = services.filter((service) => instanceOf(service) !== undefined);
  const [oldest] = named.sort((one, other) => (ageKey(one) < ageKey(other) ? -1 : 1));
  return oldest === undefined ? undefined : instanceOf(oldest);
}

function ageKey({ metadata }: Service): string {
  return `${metadata.creationTimestamp} ${metadata.uid}`;
}

function instanceOf({ metadata }: Service): string | undefined {
  return metadata.labels?.[LABELS.instanceId];
}

function inRange(port: number, [first, last]: Claim['range']): boolean {
  return port >= first && port <= last;
}

/** Begins where the id says, so that an instance whose Service was lost mostly gets the same again. */
function firstFree(instance: string, [first, last]: Claim['range'], isFree: (port: number) => boolean): number {
  const size = last - first + 1;
  const start = createHash('sha256').update(instance).digest().readUInt32BE(0) % size;
  for (let step = 0; step < size; step++) {
    const port = first + ((start + step) % size);
    if (isFree(port)) return port;
  }
  throw new UserError(
    'NoPortLeft',
    `All ports of the gateway from ${first} to ${last} are taken: widen operator.gatewayPorts of the chart.`,
  );
}
