/** What main.ts tells the proofs of the run, and what they tell it. */
import { appendFileSync } from 'node:fs';
import { findKubectl, Kubectl } from '../../../operator/kubectl/index.ts';

export const RUN_VARIABLE = 'FAASKEEPER_E2E_RUN';

export interface Run {
  /** Path of the kubeconfig. */
  readonly kubeconfig: string;
  /** Of the release. */
  readonly namespace: string;
  readonly release: string;
  /** Repository and tag. */
  readonly image: string;
  /** Values that the release was installed with. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The release is this run's own: it may be taken away. */
  readonly own: boolean;
  /** One JSON document a line. */
  readonly figuresFile: string;
  /** Path of the agent's program. */
  readonly agent: string;
  /** Begins the names of all namespaces of the run. */
  readonly prefix: string;
}

export function run(): Run {
  const text = process.env[RUN_VARIABLE];
  if (text === undefined) throw new Error('The proofs are run by: npm run test:e2e');
  return JSON.parse(text) as Run;
}

export function kubectl(): Kubectl {
  const program = findKubectl();
  if (program === undefined) throw new Error('kubectl is not on this machine: https://kubernetes.io/docs/tasks/tools/');
  return new Kubectl(program, ['--kubeconfig', run().kubeconfig]);
}

export interface Figure {
  /** Number of the proof. */
  readonly proof: number;
  /** What was measured, as a row of the table in docs/kubernetes.md. */
  readonly what: string;
  readonly value: string;
}

/** Keeps a figure for the report, and shows it. */
export function figure(proof: number, what: string, value: string): void {
  appendFileSync(run().figuresFile, `${JSON.stringify({ proof, what, value } satisfies Figure)}\n`);
  progress(`${what}: ${value}`);
}

/** To the terminal at once: jest keeps what goes to console. */
export function progress(line: string): void {
  process.stderr.write(`    ${new Date().toISOString().slice(11, 19)} ${line}\n`);
}

export function milliseconds(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 1_000)} s`;
  return ms >= 1_000 ? `${(ms / 1_000).toFixed(1)} s` : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

export function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}
