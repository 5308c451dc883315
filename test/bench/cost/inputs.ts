import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import type { OwnSystem } from '../client.ts';
import { figureOf } from '../report/rows.ts';
import type { Results } from '../results.ts';
import { idleNames } from '../scenarios/idle.ts';
import type { CostInputs, Prices } from './model.ts';

/** Figures of a run that the model needs. */
export const costNames = {
  read: 'CPU of a read, µs',
  write: 'CPU of a write, µs',
  functions: 'memory of the functions that a write wakes, MiB',
  platform: 'memory of what all instances share, MiB',
} as const;

const price = v.pipe(v.number(), v.minValue(0));
const pricesSchema = v.object({
  source: v.string(),
  date: v.string(),
  currency: v.string(),
  cpuHour: price,
  memoryGiBHour: price,
  objectGiBMonth: price,
  blockGiBMonth: price,
  objectPutsPer1000: price,
  objectGetsPer1000: price,
  vm: v.object({ name: v.string(), hour: price }),
});

/** Those of `file`, default test/bench/cost/prices.json. @throws where a price is missing or wrong. */
export function readPrices(file = join(import.meta.dirname, 'prices.json')): Prices {
  return v.parse(pricesSchema, JSON.parse(readFileSync(file, 'utf8')));
}

/** undefined where the run did not measure all that is needed. */
export function costInputs(results: Results, system: OwnSystem): CostInputs | undefined {
  const cost = (name: string, of: OwnSystem | 'ensemble') => figureOf(results, 'cost', name, of);
  const cores = (of: OwnSystem | 'ensemble') => figureOf(results, 'idle', idleNames.cpu, of) / 1000;
  const inputs: CostInputs = {
    own: {
      read: cost(costNames.read, system) / 1e6,
      write: cost(costNames.write, system) / 1e6,
      functionsGiB: cost(costNames.functions, system) / 1024,
      platformGiB: cost(costNames.platform, system) / 1024,
      platformCores: cores(system),
      instanceGiB: figureOf(results, 'idle', idleNames.instance, system) / 1024 / 1024,
    },
    ensemble: {
      read: cost(costNames.read, 'ensemble') / 1e6,
      write: cost(costNames.write, 'ensemble') / 1e6,
      gib: figureOf(results, 'idle', idleNames.memory, 'ensemble') / 1024,
      cores: cores('ensemble'),
    },
  };
  const known = [...Object.values(inputs.own), ...Object.values(inputs.ensemble)].every(Number.isFinite);
  return known ? inputs : undefined;
}
