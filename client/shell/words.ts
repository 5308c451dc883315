import { UsageError } from './errors.ts';

/** One argument of a line, and where it stands in it. */
export interface Word {
  readonly text: string;
  readonly start: number;
  /** The quote that it began with. */
  readonly quote?: '"' | "'";
  /** False while its quote is still open. */
  readonly closed: boolean;
}

/**
 * Splits a line as a shell does: blanks separate, single quotes keep everything, double quotes and backslashes escape.
 * An open quote is no error here, since the line may still be growing.
 */
export function scanWords(line: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    if (isBlank(line[at])) at++;
    else {
      const { word, end } = scanWord(line, at);
      words.push(word);
      at = end;
    }
  }
  return words;
}

function scanWord(line: string, start: number): { word: Word; end: number } {
  const first = line[start];
  const quote = first === '"' || first === "'" ? first : undefined;
  let open: string | undefined;
  let text = '';
  let at = start;
  for (; at < line.length; at++) {
    const char = line[at] as string;
    if (open === undefined && isBlank(char)) break;
    if (char === open) open = undefined;
    else if (open === undefined && (char === '"' || char === "'")) open = char;
    else if (char === '\\' && open !== "'" && at + 1 < line.length) {
      at++;
      const next = line[at] as string;
      // Within double quotes a backslash escapes only what would end or change them.
      text += open === '"' && next !== '"' && next !== '\\' ? `\\${next}` : next;
    } else text += char;
  }
  return { word: { text, start, closed: open === undefined, ...(quote === undefined ? {} : { quote }) }, end: at };
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}

/**
 * The arguments of a complete line.
 *
 * @throws UsageError when a quote is not closed.
 */
export function splitLine(line: string): string[] {
  const words = scanWords(line);
  if (words.some(({ closed }) => !closed)) throw new UsageError('A quote is not closed.');
  return words.map(({ text }) => text);
}

/** The word as it must be typed for splitLine to give it back. */
export function quoteWord(text: string): string {
  if (text !== '' && !/[\s"'\\]/.test(text)) return text;
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
