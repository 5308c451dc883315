import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findServer, lookUp } from 'faaskeeper/servers';
import type { Installer } from '../../../operator/servers/install/types.ts';

const originalPath = process.env.PATH;
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'faaskeeper-find-'));
  process.env.PATH = join(dir, 'bin');
});

afterEach(async () => {
  process.env.PATH = originalPath;
  await rm(dir, { recursive: true, force: true });
});

async function program(path: string, output = ''): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho '${output}'\n`);
  await chmod(path, 0o755);
  return path;
}

function installer(name: string, install: Installer['install']): Installer {
  return { name, available: async () => true, install };
}

test('a program on PATH is used when its version will do', async () => {
  const path = await program(join(dir, 'bin/nats-server'), 'nats-server: v2.14.0');
  expect(await lookUp('nats', dir)).toEqual({ path, source: 'PATH' });
});

test('a program on PATH that is too old is passed over for the cached one', async () => {
  await program(join(dir, 'bin/nats-server'), 'nats-server: v2.10.7');
  expect(await lookUp('nats', dir)).toBeUndefined();
  const path = await program(join(dir, 'servers/nats-server'));
  expect(await lookUp('nats', dir)).toEqual({ path, source: 'cache' });
});

test('a cached program of another pinned version is not used', async () => {
  const path = await program(join(dir, 'servers/weed'));
  await writeFile(`${path}.version`, '1.0\n');
  expect(await lookUp('seaweedfs', dir)).toBeUndefined();
});

test('what is missing is installed into the cache, once for all who ask', async () => {
  let installs = 0;
  const slow = installer('slow', async (wanted, { into }) => {
    installs += 1;
    return program(join(into, wanted.program));
  });
  const options = { cacheDir: dir, installers: [slow] };
  const found = await Promise.all([findServer('minio', options), findServer('minio', options)]);
  expect(installs).toBe(1);
  expect(found.map(({ path }) => path)).toEqual([join(dir, 'servers/minio'), join(dir, 'servers/minio')]);
  expect((await readdir(join(dir, 'servers'))).sort()).toEqual(['minio', 'minio.version']);
});

test('a failed installer hands over to the next', async () => {
  const broken = installer('broken', () => Promise.reject(new Error('no network')));
  const works = installer('works', (wanted, { into }) => program(join(into, wanted.program)));
  const lines: string[] = [];
  const options = { cacheDir: dir, installers: [broken, works], onProgress: (line: string) => lines.push(line) };
  expect(await findServer('minio', options)).toMatchObject({ source: 'installed' });
  expect(lines).toEqual(['MinIO could not be installed by broken: no network']);
});

test('where nothing can install it, the error says what to do', async () => {
  const finding = findServer('redis', { cacheDir: dir, installers: [] });
  await expect(finding).rejects.toMatchObject({ code: 'NOT_INSTALLED' });
  await expect(finding).rejects.toThrow('sudo apt-get install redis-server');
});

test('the lock of a dead process does not stop an install', async () => {
  await mkdir(join(dir, 'servers'), { recursive: true });
  await writeFile(join(dir, 'servers/.minio.lock'), '999999999\n');
  const works = installer('works', (wanted, { into }) => program(join(into, wanted.program)));
  expect(await findServer('minio', { cacheDir: dir, installers: [works] })).toMatchObject({ source: 'installed' });
});
