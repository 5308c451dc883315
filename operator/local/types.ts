import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { projectDir } from './home.ts';

const emittedDir = join(projectDir, 'dist/types');

/** Folders of client/ that are packages of their own. */
const OWN_PACKAGES = ['protocol', 'objects'] as const;

/** Emits the type declarations of the client's packages, for importers of both module systems. */
export async function buildTypes(): Promise<void> {
  await rm(emittedDir, { recursive: true, force: true });
  const compiler = join(projectDir, 'node_modules/.bin/tsc');
  await promisify(execFile)(compiler, ['-p', join(projectDir, 'tsconfig.types.json')]);
  for (const file of await readdir(emittedDir, { recursive: true })) {
    if (!file.endsWith('.d.ts')) continue;
    const own = OWN_PACKAGES.find((name) => file.startsWith(`${name}/`));
    const target = own === undefined ? `client/dist/${file}` : `client/${own}/dist/${file.slice(own.length + 1)}`;
    const text = await readFile(join(emittedDir, file), 'utf8');
    await place(join(projectDir, target), withExtension(text, 'js'));
    await place(join(projectDir, target).replace(/\.d\.ts$/, '.d.cts'), withExtension(text, 'cjs'));
  }
}

/** Imports of `./x.ts` name what is published: `./x.js` or `./x.cjs`. */
function withExtension(text: string, extension: 'js' | 'cjs'): string {
  return text.replace(/((?:from|import\()\s*['"]\.{1,2}\/[^'"]*)\.[tj]s(['"])/g, `$1.${extension}$2`);
}

async function place(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
