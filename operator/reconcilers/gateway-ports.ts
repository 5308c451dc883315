import { createHash } from 'node:crypto';
import { LABELS } from '../api/index.ts';
import type { Service } from '../kubernetes/index.ts';
import { UserError } from './outcome.ts';

export interface Claim {
  readonly instance: string;
  readonly services: readonly Service[];
  readonly range: readonly [first: number, last: number];
}

/**
 * Gives each instance a port of its own on the gateway's pods. The Services say who has which: where two have the same
 * one (two operators at once), the older keeps it. Ports that were given out while their Service is not there yet are
 * remembered.
 */
export class GatewayPorts {
  readonly #given = new Map<string, number>();

  /** @throws UserError when all are taken. */
  claim({ instance, services, range }: Claim): number {
    const owners = ownersOf(services);
    const own = [...owners].find(([, owner]) => owner === instance)?.[0] ?? this.#given.get(instance);
    const taken = new Set([...owners].flatMap(([port, owner]) => (owner === instance ? [] : [port])));
    for (const [other, port] of this.#given) if (other !== instance) taken.add(port);
    const port = own !== undefined && inRange(own, range) && !taken.has(own) ? own : firstFree(instance, range, taken);
    this.#given.set(instance, port);
    return port;
  }

  /** The instance is gone. */
  release(instance: string): void {
    this.#given.delete(instance);
  }
}

/** Port → instance; of several, the oldest Service. */
function ownersOf(services: readonly Service[]): Map<number, string> {
  const owners = new Map<number, Service>();
  for (const service of services) {
    const port = portOf(service);
    if (port === undefined || instanceOf(service) === undefined) continue;
    const other = owners.get(port);
    if (other === undefined || ageKey(service) < ageKey(other)) owners.set(port, service);
  }
  return new Map([...owners].map(([port, service]) => [port, instanceOf(service) as string]));
}

function ageKey({ metadata }: Service): string {
  return `${metadata.creationTimestamp} ${metadata.uid}`;
}

function instanceOf({ metadata }: Service): string | undefined {
  return metadata.labels?.[LABELS.instanceId];
}

function portOf({ spec }: Service): number | undefined {
  const port = spec?.ports?.[0]?.targetPort;
  return typeof port === 'number' ? port : undefined;
}

function inRange(port: number, [first, last]: Claim['range']): boolean {
  return port >= first && port <= last;
}

/** Begins where the id says, so that an instance whose Service was lost mostly gets the same again. */
function firstFree(instance: string, [first, last]: Claim['range'], taken: ReadonlySet<number>): number {
  const size = last - first + 1;
  const start = createHash('sha256').update(instance).digest().readUInt32BE(0) % size;
  for (let step = 0; step < size; step++) {
    const port = first + ((start + step) % size);
    if (!taken.has(port)) return port;
  }
  throw new UserError(
    'NoPortLeft',
    `All ports of the gateway from ${first} to ${last} are taken: widen operator.gatewayPorts of the chart.`,
  );
}
