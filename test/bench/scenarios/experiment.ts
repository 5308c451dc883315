import type { Plot } from '../../support/plots.ts';
import type { PartName } from '../options.ts';
import type { Results } from '../results.ts';
import type { BenchContext } from './context.ts';

/** A picture for the report. */
export interface BenchPlot {
  /** Of its file, without ending. */
  readonly name: string;
  readonly plot: Plot;
}

/** One experiment: what it measures, and how that is told. */
export interface Experiment {
  /** Any of them asks for it. */
  readonly parts: readonly PartName[];
  measure(context: BenchContext): Promise<void>;
  /** Markdown with a heading of the third level; '' where nothing was measured. */
  report(results: Results): string;
  plots?(results: Results): readonly BenchPlot[];
}
