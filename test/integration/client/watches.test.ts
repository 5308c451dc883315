import { type FaaSKeeper, NoWatcherError, type WatchEvent } from '@faaskeeper/client';
import { waitFor } from '../../../operator/servers/index.ts';
import { startFaaSKeeper } from '../../support/faaskeeper.ts';

/** `NodeCreated /a` and so on, in the order in which they came. */
function recorder() {
  const events: WatchEvent[] = [];
  return {
    events,
    callback: (event: WatchEvent) => void events.push(event),
    get told() {
      return events.map(({ type, path }) => `${type} ${path}`);
    },
  };
}

async function two(): Promise<{ watcher: FaaSKeeper; writer: FaaSKeeper } & AsyncDisposable> {
  const faaskeeper = await startFaaSKeeper();
  const [watcher, writer] = await Promise.all([faaskeeper.connect(), faaskeeper.connect()]);
  return { watcher, writer, [Symbol.asyncDispose]: () => faaskeeper.stop() };
}

test('an event does not wait for the watermark, but what is read after it does', async () => {
  await using faaskeeper = await startFaaSKeeper({ ownFunctions: true });
  const [watcher, writer] = await Promise.all([faaskeeper.connect(), faaskeeper.connect()]);
  const { distributor } = faaskeeper.processes ?? {};
  await writer.create('/a', 'old');
  await watcher.sync('/a');
  const told = Promise.withResolvers<WatchEvent>();
  const { stat } = await watcher.getData('/a', { watch: told.resolve });
  const seen = recorder();
  await watcher.addWatch('/a', 'PERSISTENT', seen.callback);
  // Only then the writer hears from the trigger that all before its batch is visible.
  await waitFor(
    async () => {
      const text = await (await fetch(`${faaskeeper.urls.trigger}/metrics`)).text();
      expect(Number(/^faaskeeper_watermark_zxid\{.*\} (\d+)/m.exec(text)?.[1])).toBeGreaterThanOrEqual(stat.mzxid);
    },
    { timeoutMs: 10_000 },
  );
  await distributor?.stop();
  const { mzxid } = await writer.setData('/a', 'new');
  expect(await told.promise).toMatchObject({ type: 'NodeDataChanged', path: '/a', zxid: mzxid });
  // The next one follows on this one, which is not visible either.
  await writer.setData('/a', 'newer');
  await waitFor(async () => expect(seen.told).toEqual(Array(2).fill('NodeDataChanged /a')), { timeoutMs: 10_000 });
  const reading = watcher.getData('/a');
  await expect(watcher.getData('/a', { timeout: 300 })).rejects.toMatchObject({ code: 'OperationTimeout' });
  await distributor?.start();
  expect(Buffer.from((await reading).data ?? []).toString()).toBe('newer');
  expect(seen.events).toHaveLength(2);
});

describe('a one-shot watch', () => {
  test('tells the next change of data once', async () => {
    await using clients = await two();
    const { watcher, writer } = clients;
    const seen = recorder();
    await writer.create('/a', '0');
    await watcher.sync('/a');
    await watcher.getData('/a', { watch: seen.callback });
    const { mzxid } = await writer.setData('/a', '1');
    await writer.setData('/a', '2');
    await watcher.sync('/a');
    expect(seen.told).toEqual(['NodeDataChanged /a']);
    expect(seen.events[0]).toMatchObject({ zxid: mzxid, state: 'connected' });
  });

  test('of exists on a missing node tells its creation', async () => {
    await using clients = await two();
    const { watcher, writer } = clients;
    const seen = recorder();
    expect(await watcher.exists('/later', { watch: seen.callback })).toBeNull();
    await writer.create('/later');
    await watcher.sync('/later');
    expect(seen.told).toEqual(['NodeCreated /later']);
  });

  test('of getData on a missing node is not set', async () => {
    await using clients = await two();
    const { watcher, writer } = clients;
    const seen = recorder();
    await expect(watcher.getData('/later', { watch: seen.callback })).rejects.toMatchObject({ code: 'NoNode' });
    await writer.create('/later');
    await watcher.sync('/later');
    expect(seen.told).toEqual([]);
    expect(await watcher.checkWatches('/later')).toBe(false);
  });

  test('of children tells creation and deletion of a child, not its data', async () => {
    await using clients = await two();
    const { watcher, writer } = clients;
    const seen = recorder();
    await writer.create('/p');
    await watcher.sync('/p');
    await watcher.getChildren('/p', { watch: seen.callback });
    await writer.setData('/p', 'x');
    await watcher.sync('/p');
    expect(seen.told).toEqual([]);
    await writer.create('/p/c');
    await watcher.sync('/p');
    expect(seen.told).toEqual(['NodeChildrenChanged /p']);
  });

  test('callback hears of a deletion once, however many watches it has set', async () => {
    await using clients = await two();
    const { watcher, writer } = clients;
    const [one, other] = [recorder(), recorder()];
    await writer.create('/a');
    await watcher.sync('/a');
    await watcher.getData('/a', { watch: one.callback });
    await watcher.exists('/a', { watch: one.callback });
    await watcher.getChildren('/a', { watch: one.callback });
    await watcher.getChildren('/a', { watch: other.callback });
    await writer.delete('/a');
    await watcher.sync('/');
    expect(one.told).toEqual(['NodeDeleted /a']);
    expect(other.told).toEqual(['NodeDeleted /a']);
  });

  test('with `true` is told as an event of the client', async () => {
    await using clients = await two();
    const { watcher, writer } = clients;
    const seen = recorder();
    watcher.on('watch', seen.callback);
    await watcher.exists('/a', { watch: true });
    await writer.create('/a');
    await watcher.sync('/a');
    expect(seen.told).toEqual(['NodeCreated /a']);
  });

  test('tells before the reply of the own write that triggers it', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    const order: string[] = [];
    await client.create('/a');
    await client.getData('/a', { watch: () => order.push('event') });
    await client.setData('/a', 'x');
    order.push('reply');
    expect(order).toEqual(['event', 'reply']);
  });

  test('tells before the new data can be read', async () => {
    await using clients = await two();
    const { watcher, writer } = clients;
    await writer.create('/a', '0');
    await watcher.sync('/a');
    for (let i = 1; i <= 10; i++) {
      let told = false;
      const { stat } = await watcher.getData('/a', {
        watch: () => {
          told = true;
        },
      });
      const writing = writer.setData('/a', String(i));
      for (;;) {
        const now = await watcher.getData('/a');
        if (now.stat.version === stat.version) continue;
        expect(told).toBe(true);
        break;
      }
      await writing;
    }
  });
});

describe('a persistent watch', () => {
  test('tells every change of its node, children included, until it is removed', async () => {
    await using clients = await two();
    const { watcher, writer } = clients;
    const seen = recorder();
    await watcher.addWatch('/a', 'PERSISTENT', seen.callback);
    await writer.create('/a');
    await writer.setData('/a', 'x');
    await writer.create('/a/b');
    await writer.setData('/a/b', 'x');
    await writer.delete('/a/b');
    await writer.delete('/a');
    await watcher.sync('/');
    const kinds = ['NodeCreated', 'NodeDataChanged', 'NodeChildrenChanged', 'NodeChildrenChanged', 'NodeDeleted'];
    expect(seen.told).toEqual(kinds.map((kind) => `${kind} /a`));
    const zxids = seen.events.map(({ zxid }) => zxid);
    expect(zxids).toEqual([...zxids].sort((a, b) => a - b));
    await watcher.removeWatches('/a', 'persistent', seen.callback);
    await writer.create('/a');
    await watcher.sync('/');
    expect(seen.told).toHaveLength(5);
  });

  test('when recursive tells created, changed and deleted nodes of the subtree, never child events', async () => {
    await using clients = await two();
    const { watcher, writer } = clients;
    const seen = recorder();
    await writer.create('/r');
    await watcher.sync('/');
    await watcher.addWatch('/r', 'PERSISTENT_RECURSIVE', seen.callback);
    await writer.create('/r/a');
    await writer.create('/r/a/b', 'x');
    await writer.setData('/r/a/b', 'y');
    await writer.setData('/r', 'z');
    await writer.create('/elsewhere');
    await writer.multi([
      { type: 'delete', path: '/r/a/b' },
      { type: 'delete', path: '/r/a' },
    ]);
    await watcher.sync('/');
    expect(seen.told).toEqual([
      'NodeCreated /r/a',
      'NodeCreated /r/a/b',
      'NodeDataChanged /r/a/b',
      'NodeDataChanged /r',
      'NodeDeleted /r/a/b',
      'NodeDeleted /r/a',
    ]);
  });

  test('is an async iterator; leaving the loop ends it', async () => {
    await using clients = await two();
    const { watcher, writer } = clients;
    const events = watcher.watch('/a', { recursive: true });
    await watcher.sync('/');
    expect(await watcher.checkWatches('/a', 'persistentRecursive')).toBe(true);
    await writer.create('/a');
    await writer.create('/a/b');
    const told: string[] = [];
    for await (const { type, path } of events) {
      told.push(`${type} ${path}`);
      if (told.length === 2) break;
    }
    expect(told).toEqual(['NodeCreated /a', 'NodeCreated /a/b']);
    expect(await watcher.checkWatches('/a')).toBe(false);
  });

  test('iterator ends by its signal, and with the client', async () => {
    await using faaskeeper = await startFaaSKeeper();
    const client = await faaskeeper.connect();
    const controller = new AbortController();
    const aborted = client.watch('/a', { signal: controller.signal });
    const closed = client.watch('/a');
    await client.sync('/');
    controller.abort();
    expect(await aborted.next()).toEqual({ value: undefined, done: true });
    const last = closed.next();
    await client.close();
    expect(await last).toEqual({ value: undefined, done: true });
  });
});

test('removing a watch that was not set is an error', async () => {
  await using faaskeeper = await startFaaSKeeper();
  const client = await faaskeeper.connect();
  await expect(client.removeWatches('/a', 'any')).rejects.toThrow(NoWatcherError);
  const seen = recorder();
  await client.exists('/a', { watch: seen.callback });
  await expect(client.removeWatches('/a', 'children')).rejects.toMatchObject({ code: 'NoWatcher', path: '/a' });
  await client.removeWatches('/a', 'data');
  await client.create('/a');
  expect(seen.told).toEqual([]);
});
