import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BOUNDS } from './bounds.ts';
import type { Command } from './command.ts';
import { scanWords } from './words.ts';

/** The lines kept from earlier shells, oldest first; none if there is no such file. */
export async function readHistory(file: string): Promise<string[]> {
  try {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.slice(-BOUNDS.historyLines);
  } catch {
    return [];
  }
}

/** Replaces the file in one step, readable by its owner only. */
export async function writeHistory(file: string, lines: readonly string[]): Promise<void> {
  const next = `${file}.${process.pid}`;
  await mkdir(dirname(file), { recursive: true });
  const kept = lines.slice(-BOUNDS.historyLines);
  await writeFile(next, kept.length === 0 ? '' : `${kept.join('\n')}\n`, { mode: 0o600 });
  await rename(next, file);
}

/** False for lines whose arguments are secrets: they are not written to disk. */
export function mayBeKept(line: string, commands: readonly Command[]): boolean {
  const words = scanWords(line);
  const name = words[0]?.text.toLowerCase();
  const command = commands.find((candidate) => candidate.name.toLowerCase() === name);
  return command?.secret !== true && !words.some(({ text }) => text.startsWith('--auth'));
}
