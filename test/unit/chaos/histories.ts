/** Small histories by hand, for what judges them. */
import type { Entry, Found, Operation, Result, SessionEntry, Timed } from '../../chaos/history.ts';

type Told = Partial<Result> | 'info' | 'fail' | undefined;

export class Script {
  readonly entries: Timed[] = [];
  #calls = 0;

  /** Each entry is a ms later than the one before. */
  add(entry: Entry): this {
    this.entries.push({ at: this.entries.length, ...entry });
    return this;
  }

  /** Begins a call; what is returned ends it. */
  begin(session: string, operation: Operation): (told: Told) => void {
    const about = { call: this.#calls++, session, client: 0 };
    this.add({ type: 'invoke', ...about, operation });
    return (told) => {
      if (told === undefined) return;
      if (typeof told === 'string') this.add({ ...about, type: told, error: 'ConnectionLoss' });
      else this.add({ ...about, type: 'ok', result: { nodes: [], ...told } });
    };
  }

  call(session: string, operation: Operation, told: Told): this {
    this.begin(session, operation)(told);
    return this;
  }

  create(session: string, path: string, value: string, mzxid: number): this {
    return this.call(session, { f: 'create', path, value }, { nodes: [node(path, value, 0, mzxid)] });
  }

  set(session: string, path: string, value: string, [version, mzxid]: [number, number]): this {
    return this.call(session, { f: 'set', path, value, version: -1 }, { nodes: [node(path, value, version, mzxid)] });
  }

  /** Without `found`, the node was not there. */
  read(session: string, path: string, found: Found | undefined, how: { sync?: boolean; watch?: boolean } = {}): this {
    const operation = { f: 'read', path, sync: false, watch: false, ...how } as const;
    return this.call(session, operation, found === undefined ? { error: 'NoNode' } : { nodes: [found] });
  }

  event(session: string, path: string, zxid: number): this {
    return this.add({ type: 'event', session, event: 'NodeDataChanged', path, zxid });
  }

  session(session: string, change: SessionEntry['change'], kind: SessionEntry['kind'] = 'native'): this {
    return this.add({ type: 'session', session, client: 0, kind, change, id: 1 });
  }
}

export function node(path: string, value: string, version: number, mzxid: number, owner = 0): Found {
  return { path, value, version, mzxid, owner };
}
