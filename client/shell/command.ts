import type { CallOptions } from '../waiting.ts';
import type { Input } from './input.ts';
import type { Shell } from './shell.ts';

/** One option of a command. Names of one letter are written `-s`, longer ones `--json`. */
export interface OptionSpec {
  readonly about: string;
  /** What its value is called in the usage; without it the option is a flag. `A|B` lists what Tab offers. */
  readonly value?: string;
  readonly multiple?: boolean;
}

/** What a command answers: `text` for people (nothing is printed if empty), `json` for programs. */
export interface Output {
  readonly text: string;
  readonly json: unknown;
}

/** What a running command may use. */
export interface CommandContext {
  readonly shell: Shell;
  readonly input: Input;
  /** Goes with every call to the client: Ctrl-C and --timeout. */
  readonly call: CallOptions & { readonly signal: AbortSignal };
  /** Prints before the command ends. */
  print(output: Output): void;
}

/** One row of the table that drives parsing, help and completion. */
export interface Command {
  readonly name: string;
  /** zkCli's notation: `path [data] [acl]`. An operand called `path` is completed from the tree, `on|off` as listed. */
  readonly operands: string;
  readonly about: string;
  readonly options?: Readonly<Record<string, OptionSpec>>;
  /** Not recorded in the history file: its arguments are secrets. */
  readonly secret?: boolean;
  run(context: CommandContext): Promise<Output | undefined>;
}

export function optionUsage(name: string, spec: OptionSpec): string {
  const dashed = name.length === 1 ? `-${name}` : `--${name}`;
  return spec.value === undefined ? dashed : `${dashed} ${spec.value}`;
}

/** `get [-s] [-w] path`. */
export function usageOf({ name, options = {}, operands }: Command): string {
  const optional = Object.entries(options).map(([option, spec]) => `[${optionUsage(option, spec)}]`);
  return [name, ...optional, ...(operands === '' ? [] : [operands])].join(' ');
}

export interface Operand {
  readonly name: string;
  readonly required: boolean;
}

/** `path [data]` → path (required), data. */
export function operandsOf({ operands }: Command): Operand[] {
  return operands
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ({ name: word.replaceAll(/[[\]]/g, ''), required: !word.startsWith('[') }));
}
