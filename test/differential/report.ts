/** A difference for people: seed, sequence, and both transcripts side by side where they part. */
import { firstDifference, type Outcome } from './compare.ts';
import type { Step } from './steps.ts';

export interface Difference {
  readonly seed: number;
  readonly steps: readonly Step[];
  readonly outcome: Outcome;
}

export function reportOf({ seed, steps, outcome }: Difference): string {
  const { reference, candidate } = outcome;
  const first = firstDifference(outcome);
  const lines = [`seed ${seed}: the servers differ after ${steps.length} steps`, JSON.stringify(steps), ''];
  for (const [title, transcript] of [
    ['reference', reference],
    ['candidate', candidate],
  ] as const) {
    lines.push(`--- ${title}`);
    const other = title === 'reference' ? candidate : reference;
    const end = firstSurvey(transcript, first);
    for (const [index, line] of transcript.entries()) {
      const differs = !other.includes(line);
      if (index < end) lines.push(`${line === other[index] ? ' ' : '!'} ${shortened(line)}`);
      else if (differs) lines.push(`! ${shortened(line)}`);
    }
  }
  return lines.join('\n');
}

const lineLength = 600;
const shortened = (line: string) => (line.length > lineLength ? `${line.slice(0, lineLength)}…` : line);

/** Of the survey at the end only what differs is shown. */
function firstSurvey(transcript: readonly string[], first: number): number {
  const survey = transcript.indexOf('what is left');
  return survey >= 0 && first < survey ? survey : Math.min(transcript.length, first + 12);
}
