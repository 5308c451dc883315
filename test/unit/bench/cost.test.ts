import { readPrices } from '../../bench/cost/inputs.ts';
import { ASSUMED, breakEven, type CostInputs, ensembleCost, ownCost, type Prices } from '../../bench/cost/model.ts';

/** One of each unit an hour: costs can be counted by hand. */
const prices: Prices = {
  source: 'made up',
  date: '2026-01',
  currency: 'USD',
  cpuHour: 1,
  memoryGiBHour: 1,
  objectGiBMonth: 365 / 12,
  blockGiBMonth: 365 / 12,
  objectPutsPer1000: 10,
  objectGetsPer1000: 1,
  vm: { name: 'machine', hour: 1 },
};

const inputs: CostInputs = {
  own: { read: 0.36, write: 3.6, functionsGiB: 2, platformGiB: 4, platformCores: 1, instanceGiB: 0.5 },
  ensemble: { read: 0.18, write: 1.8, gib: 3, cores: 0.5 },
};
const workload = { requests: 1_000, reads: 0.5, instances: 1, dataGiB: 2 };

test('a day of an instance is its requests, the memory that it keeps busy, and its share of what is shared', () => {
  const alone = ownCost(inputs, prices, { ...workload, instances: 1 });
  // 500 reads of 0.36 s and 500 writes of 3.6 s.
  expect(alone.requests).toBeCloseTo((500 * 0.36 + 500 * 3.6) / 3600);
  expect(alone.instance).toBeCloseTo(0.5 * 24);
  expect(alone.platform).toBeCloseTo(4 * 24 + 24);
  expect(alone.storage).toBeCloseTo(2);
  const { total, ...parts } = alone;
  expect(total).toBeCloseTo(Object.values(parts).reduce((sum, part) => sum + part, 0));
  expect(ownCost(inputs, prices, { ...workload, instances: 10 }).platform).toBeCloseTo((4 * 24 + 24) / 10);
});

test('functions are up for a while after each write, all day at most, and never for reads', () => {
  const functions = (of: Partial<typeof workload>) => ownCost(inputs, prices, { ...workload, ...of }).functions;
  // One write: 90 s of 2 GiB, nearly.
  expect(functions({ requests: 1, reads: 0 })).toBeCloseTo((2 * ASSUMED.warmSeconds) / 3600, 3);
  expect(functions({ requests: 1e9, reads: 0 })).toBeCloseTo(2 * 24);
  expect(functions({ requests: 1e9, reads: 1 })).toBe(0);
  // Ten instances together keep them up, and share what that costs.
  expect(functions({ requests: 1e9, reads: 0, instances: 10 })).toBeCloseTo(2 * 2.4);
});

test('a store that is billed by request costs a PUT a write and a GET a read', () => {
  const { requests } = ownCost(inputs, prices, workload, { ...ASSUMED, billedStore: true });
  const own = ownCost(inputs, prices, workload).requests;
  expect(requests - own).toBeCloseTo(0.5 * 10 + 0.5 * 1);
});

test('an ensemble costs three machines whatever it does, or as pods what it takes', () => {
  expect(ensembleCost(inputs, prices, workload, 'machines')).toBeCloseTo(3 * 24 + 3 * 2);
  const pods = ensembleCost(inputs, prices, workload, 'pods');
  expect(pods).toBeCloseTo(3 * 24 + 0.5 * 24 + (500 * 0.18 + 500 * 1.8) / 3600 + 6);
});

test('at the break-even both cost the same', () => {
  const { requests: _, ...rest } = { ...workload, instances: 100 };
  const at = breakEven(inputs, prices, rest, 'machines') ?? Number.NaN;
  expect(at).toBeGreaterThan(0);
  const own = (requests: number) => ownCost(inputs, prices, { ...rest, requests }).total;
  expect(own(at)).toBeCloseTo(ensembleCost(inputs, prices, { ...rest, requests: at }, 'machines'), 1);
});

test('what costs more without any request is always dearer, what never catches up has no break-even', () => {
  const dear = { ...inputs, own: { ...inputs.own, platformGiB: 1_000 } };
  expect(breakEven(dear, prices, { reads: 0.5, instances: 1, dataGiB: 0 }, 'machines')).toBe(0);
  const cheap = { ...inputs, own: { ...inputs.own, read: 0, write: 0, functionsGiB: 0 } };
  expect(breakEven(cheap, prices, { reads: 0.5, instances: 100, dataGiB: 0 }, 'pods')).toBeUndefined();
});

test('the price file says where its prices are from, and when', () => {
  const known = readPrices();
  expect(known.source).not.toBe('');
  expect(known.date).toMatch(/^\d{4}-\d{2}/);
});
