import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Binding, writeBinding } from '../../../operator/local/binding.ts';
import { Home } from '../../../operator/local/home.ts';
import { localStatus } from '../../../operator/local/status.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'faaskeeper-home-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('a home has one holder at a time', async () => {
  const home = await Home.open(dir);
  await expect(Home.open(dir)).rejects.toMatchObject({ code: 'RUNNING' });
  await home.close();
  await (await Home.open(dir)).close();
});

test('the home of a process that was killed can be opened', async () => {
  await writeFile(join(dir, 'lock'), '999999999 1\n');
  await (await Home.open(dir)).close();
});

test('a process that merely has the id of the former holder is not taken for it', async () => {
  await writeFile(join(dir, 'lock'), `${process.pid} 1\n`);
  await (await Home.open(dir)).close();
});

test('the identity of a home is decided once', async () => {
  const home = await Home.open(dir);
  const first = await home.identity(async () => ({ instance: 'a', store: 'minio' }));
  const second = await home.identity(async () => ({ instance: 'b', store: 'seaweedfs' }));
  expect([first, second]).toEqual([first, first]);
  await home.close();
});

test('a binding is one private file per key', async () => {
  const binding = { type: 'faaskeeper', provider: 'local', instance: 'a' } as Binding;
  await writeBinding(join(dir, 'binding'), binding);
  await writeBinding(join(dir, 'binding'), binding);
  const { mode } = await stat(join(dir, 'binding/instance'));
  expect(mode & 0o777).toBe(0o600);
});

test('the status of a home on which nothing runs says how to start it', async () => {
  expect(await localStatus(dir)).toMatchObject({
    ready: false,
    processes: [],
    summary: expect.stringContaining('npm start'),
  });
});
