import { Hold, readManifest } from '../../../functions/core/checkpoint/index.ts';
import { backupKeys, readBackup } from '../../../operator/data/backup/index.ts';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';
import { connectTo, newSpec, openData, storageKeys } from './support.ts';

const HOUR_MS = 3_600_000;

test('a backup that is made while clients write is one moment, with all that was acknowledged before', async () => {
  await using faaskeeper = await startFaaSKeeper({ instance: { checkpointMessages: 20 } });
  await using own = await openData();
  const place = own.place();
  const client = await faaskeeper.connect();
  await client.create('/pair');
  let stop = false;
  let written = 0;
  // Both nodes of a pair hold the same number, but for the moment within a transaction.
  const writing = (async () => {
    await client.multi([
      { type: 'create', path: '/pair/a', data: '0' },
      { type: 'create', path: '/pair/b', data: '0' },
    ]);
    while (!stop) {
      const next = `${written + 1}`;
      await client.multi([
        { type: 'setData', path: '/pair/a', data: next },
        { type: 'setData', path: '/pair/b', data: next },
      ]);
      written++;
    }
  })();
  while (written < 30) await client.exists('/pair');
  const before = written;
  const [backup, beside] = await Promise.all([
    own.data.backup(faaskeeper.spec, { place }),
    own.data.backup(faaskeeper.spec, { place, time: new Date(Date.now() + HOUR_MS) }),
  ]);
  stop = true;
  await writing;
  expect(backup).toMatchObject({ nodes: 7, ephemerals: 0, instance: faaskeeper.spec.id });
  expect(beside.nodes).toBe(7);
  const next = newSpec();
  await own.data.restore(next, { instance: faaskeeper.spec.id, backup: backup.name, place });
  await own.data.declare(next);
  const heir = await connectTo(next);
  const [a, b] = await Promise.all(
    ['/pair/a', '/pair/b'].map(async (path) => Number(Buffer.from((await heir.getData(path)).data ?? '').toString())),
  );
  expect(a).toBe(b);
  expect(a).toBeGreaterThanOrEqual(before);
  await heir.close();
  await own.data.purge(next);
});

test('the parts of a checkpoint stay while somebody reads it, and go with the first one after', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using own = await openData();
  const { spec } = faaskeeper;
  const outside = own.outside(spec);
  const keys = storageKeys(spec.storagePrefix);
  const client = await faaskeeper.connect();
  const grow = async (path: string) => {
    await client.create(path);
    await own.data.backup(spec, { place: own.place() });
    return (await readManifest(outside.objects, keys)).manifest.runs.flatMap(({ kept }) => kept.map(({ id }) => id));
  };
  const parts = async () =>
    (await own.keysBelow(keys.checkpointPart(''))).map((key) => key.slice(key.lastIndexOf('/') + 1));
  const first = await grow('/a');
  const hold = new Hold(outside, keys);
  await hold.keep();
  await grow('/b');
  expect(await parts()).toEqual(expect.arrayContaining(first));
  await hold.release();
  const third = await grow('/c');
  expect(await parts()).toEqual(expect.arrayContaining(third));
  expect((await parts()).filter((id) => first.includes(id) && !third.includes(id))).toEqual([]);
});

test('a backup under the same time is the same one; one that was cut short is none, and is made anew', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using own = await openData();
  const place = own.place();
  const client = await faaskeeper.connect();
  await client.create('/a', 'x');
  const time = new Date();
  const first = await own.data.backup(faaskeeper.spec, { place, time });
  await client.create('/b');
  expect(await own.data.backup(faaskeeper.spec, { place, time })).toEqual(first);
  expect(await own.data.findBackups(faaskeeper.spec.id, place)).toEqual([{ name: first.name, complete: true }]);

  const keys = backupKeys(place.prefix, faaskeeper.spec.id, first.name);
  const { objects } = own.stores.bucket();
  await objects.delete([keys.manifest]);
  expect(await own.data.findBackups(faaskeeper.spec.id, place)).toEqual([{ name: first.name, complete: false }]);
  const restoring = own.data.restore(newSpec(), { instance: faaskeeper.spec.id, place });
  await expect(restoring).rejects.toMatchObject({ reason: 'BackupNotFound' });
  expect(await own.data.backup(faaskeeper.spec, { place, time })).toMatchObject({ nodes: first.nodes + 1 });
  const { kept = [], data = [] } = (await readBackup(objects, keys)) ?? {};
  const named = [keys.manifest, ...[...kept, ...data].map(({ id }) => keys.checkpointPart(id))];
  expect((await own.keysBelow(keys.prefix)).sort()).toEqual(named.sort());
});

test('a damaged or incomplete backup is found out, and nothing is restored from it', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using own = await openData();
  const place = own.place();
  const client = await faaskeeper.connect();
  await client.create('/a', 'x'.repeat(1_000));
  const { name } = await own.data.backup(faaskeeper.spec, { place });
  const id = { instance: faaskeeper.spec.id, name, place };
  expect(await own.data.verifyBackup(id)).toMatchObject({ nodes: 5, dataBytes: 1_000 });
  const keys = backupKeys(place.prefix, faaskeeper.spec.id, name);
  const { objects } = own.stores.bucket();
  const part = keys.checkpointPart((await readBackup(objects, keys))?.data[0]?.id ?? '');
  const body = (await objects.get(part))?.body ?? new Uint8Array(0);
  const flipped = body.slice();
  flipped[body.length - 1]! ^= 1;
  await objects.put(part, flipped);
  await expect(own.data.verifyBackup(id)).rejects.toMatchObject({ reason: 'BackupDamaged' });
  const spec = newSpec();
  await expect(own.data.restore(spec, { ...id, backup: name })).rejects.toMatchObject({ reason: 'BackupDamaged' });
  expect(await own.keysBelow(spec.storagePrefix)).toEqual([]);
  await objects.delete([part]);
  await expect(own.data.verifyBackup(id)).rejects.toMatchObject({ reason: 'BackupDamaged' });
});

test('retention keeps the newest backups, and removes the others whole', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using own = await openData();
  const place = own.place();
  const { id } = faaskeeper.spec;
  await (await faaskeeper.connect()).create('/a');
  const now = Date.now();
  const names: string[] = [];
  for (const hours of [30, 20, 10, 1]) {
    const time = new Date(now - hours * HOUR_MS);
    names.push((await own.data.backup(faaskeeper.spec, { place, time })).name);
  }
  const [a, b, c, d] = names as [string, string, string, string];
  expect(await own.data.pruneBackups(id, { count: 3 }, place)).toEqual([a]);
  expect(await own.data.pruneBackups(id, { count: 3, maxAgeMs: 15 * HOUR_MS }, place)).toEqual([b]);
  expect(await own.data.pruneBackups(id, { maxAgeMs: 1 }, place)).toEqual([c]);
  expect((await own.keysBelow(place.prefix)).every((key) => key.includes(`/${d}/`))).toBe(true);
  expect(await own.data.verifyBackup({ instance: id, name: d, place })).toMatchObject({ nodes: 5 });
});

test('a suspended instance can be backed up, with what was committed and not visible yet', async () => {
  await using faaskeeper = await startFaaSKeeper();
  await using own = await openData();
  const client = await faaskeeper.connect();
  await Promise.all(Array.from({ length: 20 }, (_, i) => client.create(`/n${i}`)));
  await own.data.suspend(faaskeeper.spec.id);
  expect(await own.data.backup(faaskeeper.spec, { place: own.place() })).toMatchObject({ nodes: 24 });
});
