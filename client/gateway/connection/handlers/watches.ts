import { pathProblem } from '@faaskeeper/protocol';
import type { WatchEventType } from '../../../watches/events.ts';
import { CODES, read, write } from '../../jute/index.ts';
import type { Served } from '../served.ts';
import { setPersistentWatch, setWatches, type WatchesRecord, watchKind } from '../watching.ts';
import { type Call, type Handler, readPathOf } from './handler.ts';

function rearm(served: Served, call: Call, record: WatchesRecord): void {
  const onMissed = (type: WatchEventType, path: string) => served.event(type, path, -1);
  const set = setWatches(served.engine, record, served.onWatch, onMissed);
  served.follow(
    call,
    set.then(() => served.answer(call, served.engine.zxid, 0)),
  );
}

function own(served: Served, call: Call, remove: boolean): void {
  const { path: given, type } = read.RemoveWatchesRequest(call.reader);
  const path = readPathOf(given);
  // In its turn: a read before it may be about to set the watch.
  served.replies.answer(call.slot, () => {
    const kind = watchKind(type);
    const { engine } = served;
    if (kind === undefined) {
      served.reply(call.xid, engine.zxid, CODES.marshallingError);
      return;
    }
    const found = engine.watches.has(path, kind);
    if (found && remove) engine.watches.remove(path, kind);
    served.reply(call.xid, engine.zxid, found ? 0 : CODES.noWatcher);
  });
}

/** Watches that are set, looked for or removed by themselves. */
export const watches = {
  setWatches: (served, call) => rearm(served, call, read.SetWatches(call.reader)),
  setWatches2: (served, call) => rearm(served, call, read.SetWatches2(call.reader)),
  checkWatches: (served, call) => own(served, call, false),
  removeWatches: (served, call) => own(served, call, true),
  addWatch(served, call) {
    const { path: given, mode } = read.AddWatchRequest(call.reader);
    const path = readPathOf(given);
    if (mode !== 0 && mode !== 1) {
      served.refuse(call, CODES.marshallingError);
      return;
    }
    // ZooKeeper takes any path. Nothing ever happens at one that is not valid.
    const valid = pathProblem(path) === undefined;
    const set = valid ? setPersistentWatch(served.engine, path, mode === 1, served.onWatch) : Promise.resolve();
    const body = () => write.ErrorResponse(served.writer, { err: 0 });
    served.follow(
      call,
      set.then(() => served.answer(call, served.engine.zxid, 0, body)),
    );
  },
} as const satisfies Record<string, Handler>;
