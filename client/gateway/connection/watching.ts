import { pathProblem } from '@faaskeeper/protocol';
import type { Engine } from '../../engine.ts';
import { type Answer, freshTarget, target } from '../../reads/reader.ts';
import { knownOf, type WatchCallback, type WatchEventType, type WatchKind } from '../../watches/events.ts';
import type { JuteRecord, Long } from '../jute/index.ts';

/** Watcher.WatcherType. */
const KINDS: ReadonlyMap<number, WatchKind> = new Map([
  [1, 'children'],
  [2, 'data'],
  [3, 'any'],
  [4, 'persistent'],
  [5, 'persistentRecursive'],
]);

export function watchKind(type: number): WatchKind | undefined {
  return KINDS.get(type);
}

/** The watches of a client that has come (back), with what it has missed since `relativeZxid`. */
export type WatchesRecord = JuteRecord<'SetWatches'> & Partial<JuteRecord<'SetWatches2'>>;

type Kept = Exclude<WatchKind, 'any'>;

interface Wanted {
  readonly path: string;
  readonly kind: Kept;
  /** What has happened already, if something has: told at once, and the watch is spent. */
  readonly missed: (answer: Answer) => WatchEventType | undefined;
}

const never = () => undefined;

function wantedOf(record: WatchesRecord): Wanted[] {
  const { relativeZxid: since } = record;
  const later = (zxid: Long) => zxid > since;
  const gone = ({ stat, error }: Answer) => stat === undefined && error !== 'NoAuth';
  const data = (answer: Answer) => {
    if (gone(answer)) return 'NodeDeleted';
    return answer.stat !== undefined && later(answer.stat.mzxid) ? 'NodeDataChanged' : undefined;
  };
  const exist = (answer: Answer) => (gone(answer) ? undefined : 'NodeCreated');
  const children = (answer: Answer) => {
    if (gone(answer)) return 'NodeDeleted';
    return answer.stat !== undefined && later(answer.stat.pzxid) ? 'NodeChildrenChanged' : undefined;
  };
  const wanted: Wanted[] = [];
  const add = (paths: readonly (string | null)[] | null | undefined, kind: Kept, missed: Wanted['missed']) => {
    for (const path of paths ?? []) if (path !== null) wanted.push({ path, kind, missed });
  };
  add(record.dataWatches, 'data', data);
  add(record.existWatches, 'data', exist);
  add(record.childWatches, 'children', children);
  add(record.persistentWatches, 'persistent', never);
  add(record.persistentRecursiveWatches, 'persistentRecursive', never);
  return wanted;
}

/** Sets one watch, based on the node as it is exactly now, in the session's order; `onSet` runs in the same turn. */
function setWatch(engine: Engine, { path, kind, missed }: Wanted, hooks: WatchingHooks): Promise<void> {
  const tell = (answer: Answer): boolean => {
    const type = missed(answer);
    if (type !== undefined) hooks.onMissed(type, path);
    return type !== undefined;
  };
  // ZooKeeper takes any path: nothing is at one that is not valid, and nothing will ever be.
  if (pathProblem(path) !== undefined) return engine.read([], {}, () => void tell({ zxid: 0 }));
  const recursive = kind === 'persistentRecursive';
  engine.watches.prepare(path, recursive);
  const options = { exact: true, onOver: () => engine.watches.release(path, recursive) };
  return engine.read([recursive ? freshTarget(path) : target(path, 'exists')], options, ([found]) => {
    const answer = found as Answer;
    if (!tell(answer)) engine.watches.arm(path, kind, hooks.onWatch, knownOf(answer.zxid, answer.stat));
  });
}

export interface WatchingHooks {
  readonly onWatch: WatchCallback;
  /** What has happened before the watch was set. */
  onMissed(type: WatchEventType, path: string): void;
  /** All are set, and what was missed is told: before anything that is asked for later. */
  onSet(): void;
}

export function setPersistentWatch(
  engine: Engine,
  path: string,
  recursive: boolean,
  hooks: WatchingHooks,
): Promise<unknown> {
  const kind = recursive ? 'persistentRecursive' : 'persistent';
  return setAll(engine, [{ path, kind, missed: never }], hooks);
}

/** setWatches */
export function setWatches(engine: Engine, record: WatchesRecord, hooks: WatchingHooks): Promise<unknown> {
  return setAll(engine, wantedOf(record), hooks);
}

function setAll(engine: Engine, wanted: readonly Wanted[], hooks: WatchingHooks): Promise<unknown> {
  const set = wanted.map((one) => setWatch(engine, one, hooks));
  // A read of nothing: it only keeps its place among the session's calls.
  return Promise.all([...set, engine.read([], {}, () => hooks.onSet())]);
}
