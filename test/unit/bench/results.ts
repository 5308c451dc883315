import type { Figure, Measurement, Results } from '../../bench/results.ts';

/** A run that measured this. */
export function run(measurements: readonly Measurement[], figures: readonly Figure[] = []): Results {
  return {
    date: '2026-01-02',
    seconds: 3,
    settings: { rounds: 3, children: 5_000, quick: false },
    machine: { cpu: 'Abacus', cores: 2, memoryGiB: 4, system: 'Linux 6', load: 0.5 },
    versions: { Node: 'v24.1.0' },
    measurements,
    figures,
  };
}
