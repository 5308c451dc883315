import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from './errors.ts';

/** A random secret of letters and digits: safe in URLs, configuration files and environment variables. */
export function randomSecret(sizeBytes = 24): string {
  return randomBytes(sizeBytes).toString('hex');
}

/** Writes a file that only its owner can read. */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, content, { mode: 0o600 });
}

/** The secret kept in `path`, made on first use. */
export async function keptSecret(path: string, make: () => string = randomSecret): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  const secret = make();
  await writePrivateFile(path, `${secret}\n`);
  return secret;
}
