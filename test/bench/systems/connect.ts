import { type ConnectOptions, FaaSKeeper } from '@faaskeeper/client';
import type { BenchClient } from '../client.ts';

export async function connect(options: ConnectOptions, cache: boolean): Promise<BenchClient> {
  const session = await FaaSKeeper.connect({
    ...options,
    // The bench has its own limits: what is written in bulk takes long to become visible.
    requestTimeout: Number.POSITIVE_INFINITY,
    ...(cache ? {} : { cache: false }),
  });
  return {
    create: (path, data) => session.create(path, data),
    setAll: (paths, data) => session.multi(paths.map((path) => ({ type: 'setData', path, data }))),
    createAll: (paths) => session.multi(paths.map((path) => ({ type: 'create', path, data: null }))),
    setData: (path, data) => session.setData(path, data),
    delete: (path) => session.delete(path),
    getData: (path) => session.getData(path),
    exists: (path) => session.exists(path),
    getChildren: (path) => session.getChildren(path),
    // A session reads what it has written: the answer waits until user storage shows all of it.
    settled: (path) => session.exists(path),
    watch: (path, onChange) => session.addWatch(path, 'PERSISTENT', onChange),
    close: () => session.close(),
  };
}
