import { type ParseArgsConfig, parseArgs } from 'node:util';
import { pathProblem } from '@faaskeeper/protocol';
import { type Command, type OptionSpec, operandsOf, usageOf } from './command.ts';
import { UsageError } from './errors.ts';

type Values = Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;

/** The arguments of one command, checked against its row of the table. */
export class Input {
  readonly command: Command;
  readonly operands: readonly string[];
  readonly #values: Values;

  constructor(command: Command, values: Values, operands: readonly string[]) {
    this.command = command;
    this.operands = operands;
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  value(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** @throws UsageError when the value is no whole number of at least `min`. */
  integer(name: string, min = Number.MIN_SAFE_INTEGER): number | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : wholeNumber(value, name.length === 1 ? `-${name}` : `--${name}`, min);
  }

  operand(index: number): string | undefined {
    return this.operands[index];
  }

  /** The first operand. @throws UsageError when it is no valid path. */
  path(): string {
    return checkPath(this.operands[0] ?? '');
  }
}

export function wholeNumber(text: string, what: string, min: number): number {
  const number = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(number) || number < min) {
    const bound = min === Number.MIN_SAFE_INTEGER ? '' : ` of at least ${min}`;
    throw new UsageError(`${what} must be a whole number${bound}, not ${JSON.stringify(text)}.`);
  }
  return number;
}

/** True when the first operand is a path: errors then name it. */
export function operandNamesPath(command: Command): boolean {
  return operandsOf(command)[0]?.name === 'path';
}

/** @throws UsageError with the reason why ZooKeeper refuses this path. */
export function checkPath(path: string): string {
  const problem = pathProblem(path);
  if (problem !== undefined) throw new UsageError(`Invalid path ${JSON.stringify(path)}: ${problem}.`);
  return path;
}

/** Options that every command takes besides its own. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  json: { about: 'print one JSON document instead of text' },
  timeout: { value: 'MS', about: 'give up after so many milliseconds' },
  help: { about: 'explain the command' },
};

/**
 * Parses what follows a command's name. Options may stand anywhere before `--`.
 *
 * @throws UsageError with the command's usage.
 */
export function parseInput(command: Command, args: readonly string[]): Input {
  const options = { ...COMMON_OPTIONS, ...command.options };
  const { values, positionals } = parseWith(options, args, () => usageOf(command));
  const wanted = operandsOf(command);
  const required = wanted.filter((operand) => operand.required).length;
  if (values.help !== true) {
    const missing = wanted[positionals.length];
    if (positionals.length < required) {
      throw new UsageError(`${command.name} lacks its ${missing?.name}. Usage: ${usageOf(command)}`);
    }
    if (positionals.length > wanted.length) {
      const extra = JSON.stringify(positionals[wanted.length]);
      throw new UsageError(`Too many arguments at ${extra}; quote blanks. Usage: ${usageOf(command)}`);
    }
  }
  return new Input(command, values, positionals);
}

/** parseArgs for a table of options. */
export function parseWith(
  specs: Readonly<Record<string, OptionSpec>>,
  args: readonly string[],
  usage: () => string,
): { values: Values; positionals: string[] } {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, { value, multiple }] of Object.entries(specs)) {
    options[name] = {
      type: value === undefined ? 'boolean' : 'string',
      ...(name.length === 1 ? { short: name } : {}),
      ...(multiple === true ? { multiple } : {}),
    };
  }
  try {
    return parseArgs({ args: joinNegatives(args, specs), options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${optionProblem(error)} Usage: ${usage()}`, { cause: error });
  }
}

/** `-v -1` → `-v-1`: parseArgs takes a value that begins with a dash only joined to its option. */
function joinNegatives(args: readonly string[], specs: Readonly<Record<string, OptionSpec>>): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1) ?? '';
    const takesValue = /^-\w$/.test(before) && specs[before.slice(1)]?.value !== undefined;
    if (takesValue && !joined.includes('--') && /^-\d+$/.test(arg)) joined[joined.length - 1] = `${before}${arg}`;
    else joined.push(arg);
  }
  return joined;
}

/** parseArgs' message, with our advice in place of its own. */
function optionProblem(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const { code } = error as { code?: string };
  const short = (message.split(/\.\s|\n/, 1)[0] ?? message)
    .replace(/'-(\w), --\1( <value>)?'/, "'-$1'")
    .replace(/\.$/, '');
  return code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION'
    ? `${short}; put -- before an argument that begins with -.`
    : `${short}.`;
}
