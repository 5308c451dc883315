/** Clocks of single processes, set off by libfaketime where that is installed; their monotonic clocks stay right. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].flatMap((platform) => [
  `/usr/lib/${platform}/faketime/libfaketime.so.1`,
]);

export function fakeTimeLibrary(): string | undefined {
  return [...LIBRARIES, '/usr/lib/faketime/libfaketime.so.1', '/usr/local/lib/faketime/libfaketime.so.1'].find(
    existsSync,
  );
}

/** Environment of a process whose clock `setClock` can set off. */
export async function clockEnvironment(
  library: string,
  directory: string,
  name: string,
): Promise<Record<string, string>> {
  await setClock(directory, name, 0);
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: fileOf(directory, name),
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_NO_CACHE: '1',
  };
}

/** @param ms ahead of the machine's clock, or behind it. */
export async function setClock(directory: string, name: string, ms: number): Promise<void> {
  await writeFile(fileOf(directory, name), `${ms < 0 ? '' : '+'}${ms / 1_000}\n`);
}

const fileOf = (directory: string, name: string) => join(directory, `${name}.clock`);
