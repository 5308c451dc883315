import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const preload = join(import.meta.dirname, '../../../operator/images/idle.mjs');

/** Takes 64 MiB, drops them, and says when they are gone; a timer ends it if they never are. */
const program = `
  let garbage = Array.from({ length: 64 }, (_, i) => Array.from({ length: 131072 }, (_, j) => i + j + 0.5));
  const most = process.memoryUsage().heapTotal;
  garbage = undefined;
  setTimeout(() => process.exit(1), 20000);
  setInterval(() => {
    if (process.memoryUsage().heapTotal < most / 2) process.exit(0);
  }, 50);
`;

test('an idle program gives back what its work took', async () => {
  const env = { ...process.env, FAASKEEPER_IDLE_CHECK_MS: '200' };
  const run = promisify(execFile)(process.execPath, ['--import', preload, '-e', program], { env });
  await expect(run).resolves.toBeDefined();
}, 30_000);
