/** File systems of their own for the stores, which can be filled without filling the machine. Needs root. */
import { execFile } from 'node:child_process';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CHAOS } from '../bounds.ts';

const run = promisify(execFile);
const BALLAST = 'ballast';

/** Mounts a sparse image at `directory`. @throws where mounting is not permitted. */
export async function mountVolume(directory: string): Promise<AsyncDisposable> {
  const image = `${directory}.img`;
  await mkdir(directory, { recursive: true });
  await writeFile(image, '');
  await truncate(image, CHAOS.volumeBytes);
  await run('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
  await run('mount', ['-o', 'loop', image, directory]);
  return {
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['--lazy', directory]);
      await rm(image, { force: true });
    },
  };
}

/** Takes all the space there is. */
export async function fill(directory: string): Promise<void> {
  const { stdout } = await run('df', ['--output=avail', '--block-size=1', directory]);
  const free = Number(stdout.trim().split('\n').at(-1));
  const [most, rest] = [join(directory, BALLAST), join(directory, `${BALLAST}-rest`)];
  await run('fallocate', ['--length', String(Math.max(1, free - CHAOS.writtenBytes)), most]);
  // The rest is written until no more goes in.
  await run('dd', ['if=/dev/zero', `of=${rest}`, 'bs=4096']).catch(() => undefined);
}

export async function makeRoom(directory: string): Promise<void> {
  await Promise.all([BALLAST, `${BALLAST}-rest`].map((name) => rm(join(directory, name), { force: true })));
}
