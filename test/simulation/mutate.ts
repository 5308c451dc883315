import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MUTANTS, type Mutant } from './mutants.ts';

const PROJECT = join(import.meta.dirname, '../..');

export function mutantNamed(name: string): Mutant {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`There is no mutant "${name}"`);
  return mutant;
}

/** @throws when the text is not there exactly once: the code has changed, and the mutant must follow. */
export function mutated({ name, file, find, replace }: Mutant): string {
  const source = readFileSync(join(PROJECT, file), 'utf8');
  if (source.split(find).length !== 2) throw new Error(`Mutant "${name}" does not find its text once in ${file}`);
  return source.replace(find, () => replace);
}

/** From now on the file is loaded with the mistake in it; nothing is written. */
export function install(mutant: Mutant): void {
  const source = mutated(mutant);
  const url = pathToFileURL(join(PROJECT, mutant.file)).href;
  registerHooks({
    load(at, context, nextLoad) {
      const loaded = nextLoad(at, context);
      return at === url ? { ...loaded, source } : loaded;
    },
  });
}
