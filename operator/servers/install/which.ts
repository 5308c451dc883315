import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** The first executable file called `program` on PATH (or in one of `more`). */
export async function which(program: string, more: readonly string[] = []): Promise<string | undefined> {
  for (const directory of [...(process.env.PATH ?? '').split(delimiter), ...more]) {
    if (directory === '') continue;
    const path = join(directory, program);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Go's program, also where its own installer puts it. */
export function whichGo(): Promise<string | undefined> {
  return which('go', ['/usr/local/go/bin', '/opt/homebrew/bin']);
}
