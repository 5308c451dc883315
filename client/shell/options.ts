import type { OptionSpec } from './command.ts';
import { UsageError } from './errors.ts';
import { parseWith, wholeNumber } from './input.ts';

/** What the whole shell was started with. */
export interface ShellOptions {
  readonly json: boolean;
  /** Of each call, ms. */
  readonly timeout: number | undefined;
  readonly binding: string | undefined;
  /** Identities that each session gets. */
  readonly auth: readonly { readonly scheme: string; readonly id: string }[];
  readonly history: boolean;
}

export interface ParsedArguments extends ShellOptions {
  readonly help: boolean;
  readonly version: boolean;
  /** The command with its arguments; empty for the shell itself. */
  readonly words: readonly string[];
}

export const GLOBAL_OPTIONS = {
  binding: { value: 'DIR', about: "the instance's service-binding directory (default: the local instance)" },
  auth: { value: 'SCHEME:AUTH', multiple: true, about: 'authenticate first, as addauth does; may be repeated' },
  timeout: { value: 'MS', about: 'give up a call after so many milliseconds' },
  json: { about: 'print one JSON document for each command' },
  'no-history': { about: 'keep no lines in the history file' },
  help: { about: 'this text' },
  version: { about: 'the version of the shell' },
} as const satisfies Record<string, OptionSpec>;

/** Short forms. */
const ALIASES: Readonly<Record<string, string>> = { '-h': '--help' };

/**
 * Splits argv into options of the shell and the command: what comes before the command's name, and some that may
 * stand anywhere before `--`.
 *
 * @throws UsageError
 */
export function parseArguments(argv: readonly string[]): ParsedArguments {
  const { own, words } = divide(argv.map((arg, index) => (index === 0 ? (ALIASES[arg] ?? arg) : arg)));
  const { values } = parseWith(GLOBAL_OPTIONS, own, () => 'faaskeeper [options] command [arguments]');
  const text = (name: keyof typeof GLOBAL_OPTIONS) => (typeof values[name] === 'string' ? values[name] : undefined);
  const timeout = text('timeout');
  return {
    json: values.json === true,
    timeout: timeout === undefined ? undefined : wholeNumber(timeout, '--timeout', 1),
    binding: text('binding'),
    auth: [values.auth ?? []].flat().map((value) => parseAuth(String(value))),
    history: values['no-history'] !== true,
    help: values.help === true,
    version: values.version === true,
    words,
  };
}

/** Options that belong to the shell also when they follow the command. */
const ANYWHERE = new Set(['binding', 'auth', 'timeout', 'json', 'no-history']);

function divide(argv: readonly string[]): { own: string[]; words: string[] } {
  const own: string[] = [];
  const words: string[] = [];
  const rest = [...argv];
  while (rest.length > 0) {
    const arg = rest.shift() as string;
    if (arg === '--') {
      words.push(arg, ...rest);
      break;
    }
    const [name = '', inline] = arg.startsWith('--') ? arg.slice(2).split('=', 2) : [];
    const spec: OptionSpec | undefined = Object.hasOwn(GLOBAL_OPTIONS, name)
      ? GLOBAL_OPTIONS[name as keyof typeof GLOBAL_OPTIONS]
      : undefined;
    const isOwn = words.length === 0 ? arg.startsWith('-') : spec !== undefined && ANYWHERE.has(name);
    if (!isOwn) words.push(arg);
    else {
      own.push(arg);
      if (spec?.value !== undefined && inline === undefined && rest.length > 0) own.push(rest.shift() as string);
    }
  }
  return { own, words };
}

function parseAuth(text: string): { scheme: string; id: string } {
  const colon = text.indexOf(':');
  if (colon <= 0) throw new UsageError(`--auth must be SCHEME:AUTH (for example digest:user:password), not "${text}".`);
  return { scheme: text.slice(0, colon), id: text.slice(colon + 1) };
}
