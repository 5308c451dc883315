import { childPath } from '@faaskeeper/protocol';
import { BOUNDS } from './bounds.ts';
import { type Command, operandsOf } from './command.ts';
import { COMMON_OPTIONS } from './input.ts';
import { sorted } from './tree.ts';
import { quoteWord, scanWords, type Word } from './words.ts';

/** The names of a node's children; empty when they cannot be had. */
export type ListChildren = (path: string) => Promise<readonly string[]>;

/** What Tab offers: whole replacements for `replaced`, the end of the line. */
export type Completion = [candidates: string[], replaced: string];

/** Completes the last word of a line: a command, an option, a word of a list, or the path of a znode. */
export async function complete(
  line: string,
  commands: readonly Command[],
  listChildren: ListChildren,
): Promise<Completion> {
  const words = scanWords(line);
  const last = words.at(-1);
  const growing = last !== undefined && (!last.closed || !/\s$/.test(line));
  const word: Word = growing ? last : { text: '', start: line.length, closed: true };
  const before = (growing ? words.slice(0, -1) : words).map(({ text }) => text);
  const replaced = line.slice(word.start);
  const candidates = await candidatesFor(word.text, before, commands, listChildren);
  return [candidates.slice(0, BOUNDS.completions).map((candidate) => typed(candidate, word)), replaced];
}

/** The candidate as it must stand in the line, in the quotes that the user began. */
function typed(candidate: string, { quote }: Word): string {
  const ended = candidate.endsWith(' ');
  const text = ended ? candidate.slice(0, -1) : candidate;
  if (quote === "'" && !text.includes("'")) return `'${text}${ended ? "' " : ''}`;
  const quoted = quote === '"' && text === quoteWord(text) ? `"${text}"` : quoteWord(text);
  if (ended) return `${quoted} `;
  // What may go on (a path) keeps its quote open.
  return quoted.startsWith('"') ? quoted.slice(0, -1) : quoted;
}

async function candidatesFor(
  word: string,
  before: readonly string[],
  commands: readonly Command[],
  listChildren: ListChildren,
): Promise<string[]> {
  const commandNames = () => startingWith(word, sorted(commands.map(({ name }) => name)));
  const [name, ...args] = before;
  if (name === undefined) return commandNames();
  const command = commands.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase());
  if (command === undefined) return [];
  const options = { ...command.options, ...COMMON_OPTIONS };
  if (word.startsWith('-') && !args.includes('--')) {
    return startingWith(
      word,
      Object.keys(options).map((option) => (option.length === 1 ? `-${option}` : `--${option}`)),
    );
  }
  const valued = options[optionName(args.at(-1))]?.value;
  if (valued !== undefined) return valued.includes('|') ? startingWith(word, valued.split('|')) : [];
  const operand = operandsOf(command)[operandsIn(args, options)]?.name;
  if (operand === 'path') return pathCandidates(word, listChildren);
  if (operand === 'command') return commandNames();
  return operand?.includes('|') === true ? startingWith(word, operand.split('|')) : [];
}

function startingWith(word: string, names: readonly string[]): string[] {
  return names.filter((name) => name.toLowerCase().startsWith(word.toLowerCase())).map((name) => `${name} `);
}

function optionName(arg: string | undefined): string {
  return arg?.replace(/^--?/, '') !== arg ? (arg ?? '').replace(/^--?/, '') : '';
}

/** How many operands stand among the arguments so far. */
function operandsIn(args: readonly string[], options: Readonly<Record<string, { value?: string }>>): number {
  return args.filter((arg, index) => {
    if (/^-./.test(arg)) return false;
    return options[optionName(args[index - 1])]?.value === undefined;
  }).length;
}

/** Children of the node that the word names so far, with a `/` to go on where one is the only one. */
async function pathCandidates(word: string, listChildren: ListChildren): Promise<string[]> {
  if (word === '') return ['/'];
  if (!word.startsWith('/')) return [];
  const slash = word.lastIndexOf('/');
  const parent = slash === 0 ? '/' : word.slice(0, slash);
  const begun = word.slice(slash + 1);
  const names = sorted(await listChildren(parent)).filter((name) => name.startsWith(begun));
  const [only] = names;
  if (names.length === 1 && only === begun) {
    const path = childPath(parent, begun);
    return (await listChildren(path)).length > 0 ? [`${path}/`] : [`${path} `];
  }
  return names.map((name) => childPath(parent, name));
}
