import { type Command, optionUsage, usageOf } from './command.ts';
import { COMMON_OPTIONS } from './input.ts';
import { GLOBAL_OPTIONS } from './options.ts';

const GAP = 3;

/** `label   about`, aligned. */
function columns(rows: readonly (readonly [label: string, about: string])[], indent: string): string {
  const width = Math.max(0, ...rows.map(([label]) => label.length)) + GAP;
  return rows.map(([label, about]) => `${indent}${label.padEnd(width)}${about}`).join('\n');
}

function byName(a: Command, b: Command): number {
  return a.name < b.name ? -1 : 1;
}

/** All commands with what they do. */
export function overview(commands: readonly Command[]): string {
  const rows = [...commands].sort(byName).map((command) => [usageOf(command), command.about] as const);
  const globals = Object.entries(GLOBAL_OPTIONS).map(([name, spec]) => [optionUsage(name, spec), spec.about] as const);
  return [
    'npx faaskeeper shell | [options] command [arguments]',
    ...rows.map(([usage, about]) => `\t${usage}\n\t    ${about}`),
    '',
    'Options:',
    columns(globals, '  '),
    '',
    'help COMMAND explains one command. Quote arguments that hold blanks; -- ends the options.',
  ].join('\n');
}

/** One command with its options. */
export function explain(command: Command): string {
  const options = { ...command.options, ...COMMON_OPTIONS };
  const rows = Object.entries(options).map(([name, spec]) => [optionUsage(name, spec), spec.about] as const);
  return `${usageOf(command)}\n${command.about}\n\n${columns(rows, ' ')}`;
}
