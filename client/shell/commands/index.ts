import type { Command } from '../command.ts';
import { accessCommands } from './access.ts';
import { ownCommands } from './own.ts';
import { readCommands } from './read.ts';
import { registrationCommands } from './registrations.ts';
import { watchCommands } from './watches.ts';
import { writeCommands } from './write.ts';

/** The table of commands: parsing, help and completion come from it. */
export const COMMANDS: readonly Command[] = [
  ...readCommands,
  ...writeCommands,
  ...accessCommands,
  ...watchCommands,
  ...registrationCommands,
  ...ownCommands,
];
