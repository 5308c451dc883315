import { CODES, read, write } from '../../jute/index.ts';
import type { Served } from '../served.ts';
import { setPersistentWatch, setWatches, type WatchesRecord, watchKind } from '../watching.ts';
import { type Call, type Handler, readPathOf } from './handler.ts';

function rearm(served: Served, call: Call, record: WatchesRecord): void {
  const set = setWatches(served.engine, record, {
    onWatch: served.onWatch,
    onMissed: (type, path) => served.event(type, path, -1),
    onSet: () => served.answer(call, served.engine.watermark, 0),
  });
  served.follow(call, set);
}

function own(served: Served, call: Call, remove: boolean): void {
  const { path: given, type } = read.RemoveWatchesRequest(call.reader);
  const path = readPathOf(given);
  // In its turn among reads and writes: one before it may be about to set the watch, one after it to fire it.
  const { engine } = served;
  const looking = engine.read([], {}, () => {
    const kind = watchKind(type);
    const found = kind !== undefined && engine.watches.has(path, kind);
    if (found && remove) engine.watches.remove(path, kind);
    const code = kind === undefined ? CODES.marshallingError : found ? CODES.ok : CODES.noWatcher;
    served.answer(call, engine.watermark, code);
  });
  served.follow(call, looking);
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
    const set = setPersistentWatch(served.engine, path, mode === 1, {
      onWatch: served.onWatch,
      onMissed: () => undefined,
      onSet: () =>
        served.answer(call, served.engine.watermark, 0, () => write.ErrorResponse(served.writer, { err: 0 })),
    });
    served.follow(call, set);
  },
} as const satisfies Record<string, Handler>;
