/** Builds every program of the image, and what they may be started with, into one directory. Usage: bundle.ts <directory> */
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildPrograms } from '../local/build.ts';

const into = process.argv[2];
if (into === undefined) {
  console.error('Usage: bundle.ts <directory>');
  process.exit(2);
}
await mkdir(into, { recursive: true });
await mkdir(join(into, 'preload'), { recursive: true });
await copyFile(join(import.meta.dirname, 'idle.mjs'), join(into, 'preload/idle.mjs'));
for (const program of await buildPrograms()) await copyFile(program, join(into, basename(program)));
