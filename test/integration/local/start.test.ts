import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FaaSKeeper } from '@faaskeeper/client';
import { type LocalOptions, localStatus, startLocal } from 'faaskeeper/local';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'faaskeeper-local-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

function start(options: Partial<LocalOptions> = {}) {
  return startLocal({ home, logLevel: 'warn', ...options });
}

test('a second start continues with the data of the first', async () => {
  const steps: string[] = [];
  {
    await using local = await start({ onEvent: (line) => steps.push(line) });
    await using client = await FaaSKeeper.fromBinding(local.bindingDir);
    await client.create('/kept', 'first');
    expect(await localStatus(home)).toMatchObject({ ready: true });
    await expect(start()).rejects.toMatchObject({ code: 'RUNNING' });
  }
  expect(steps).toContainEqual(expect.stringMatching(/^writer answers at http:/));
  expect(await localStatus(home)).toMatchObject({ ready: false });

  await using again = await start();
  await using client = await FaaSKeeper.fromBinding(again.bindingDir);
  expect(Buffer.from((await client.getData('/kept')).data ?? []).toString()).toBe('first');
}, 120_000);

test('a home whose data is in one store is not started on another', async () => {
  await expect(start({ s3: 'seaweedfs' })).rejects.toMatchObject({ code: 'OTHER_STORE' });
  const instance = { userStorage: { type: 'Hybrid' as const } };
  await expect(start({ instance })).rejects.toThrow('is S3 and cannot become Hybrid');
});
