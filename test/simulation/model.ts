import { type Acl, type MultiOperation, type Operation, Permission, parentPath, type Stat } from '@faaskeeper/protocol';

/**
 * A model of ZooKeeper, small enough to be seen to be right: one tree, one transaction after the other. It knows nothing
 * of logs, stores or messages, and shares no code with the functions.
 */
export interface ModelNode {
  czxid: number;
  mzxid: number;
  pzxid: number;
  ctime: number;
  mtime: number;
  version: number;
  /** Children ever created. */
  created: number;
  data: string;
  owner: number;
  container: boolean;
  /** ms; 0: lives for ever. */
  ttl: number;
  aversion: number;
  /** Anyone may read it. Whatever else clients want, they may. */
  readable: boolean;
  readonly children: Set<string>;
}

/** A node as readers see it from `zxid` on, until its next version; without `stat` it is absent. */
export interface Version {
  readonly zxid: number;
  readonly stat?: Stat;
  readonly data?: string;
  readonly children?: readonly string[];
  readonly readable?: boolean;
}

export type EventType = 'NodeCreated' | 'NodeDeleted' | 'NodeDataChanged' | 'NodeChildrenChanged';

export interface ModelEvent {
  readonly zxid: number;
  readonly type: EventType;
}

export interface Moment {
  readonly zxid: number;
  /** ms */
  readonly time: number;
  readonly session: number;
}

export class ModelError extends Error {
  readonly code: string;
  /** Of a multi: one code an operation. */
  readonly codes: readonly string[] | undefined;

  constructor(code: string, codes?: readonly string[]) {
    super(code);
    this.code = code;
    this.codes = codes;
  }
}

const text = (data: Uint8Array | null) => (data === null ? '' : Buffer.from(data).toString());
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1);

export class Model {
  #nodes = new Map<string, ModelNode>();
  readonly #versions = new Map<string, Version[]>();
  readonly #events = new Map<string, ModelEvent[]>();
  /** How far the clocks of two processes may be apart, ms. */
  readonly #clockSkew: number;

  constructor(clockSkew: number) {
    this.#clockSkew = clockSkew;
    for (const path of ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota']) {
      this.#nodes.set(path, blank({ zxid: 0, time: 0, session: 0 }));
      if (path !== '/') this.#nodes.get(parentPath(path))?.children.add(nameOf(path));
    }
    for (const path of this.#nodes.keys()) this.#show(path, 0);
  }

  get paths(): string[] {
    return [...this.#nodes.keys()];
  }

  node(path: string): ModelNode | undefined {
    return this.#nodes.get(path);
  }

  versions(path: string): readonly Version[] {
    return this.#versions.get(path) ?? [{ zxid: 0 }];
  }

  events(path: string): readonly ModelEvent[] {
    return this.#events.get(path) ?? [];
  }

  ephemerals(session: number): string[] {
    return [...this.#nodes].filter(([, { owner }]) => owner === session && session !== 0).map(([path]) => path);
  }

  /** @throws ModelError; nothing has happened then. */
  execute(operation: Operation, moment: Moment): unknown {
    if (operation.type !== 'multi') {
      const done = this.#change(moment, () => this.#one(operation, moment));
      return operation.type === 'create' ? { path: done?.path, stat: done?.stat } : done?.stat;
    }
    const results: unknown[] = [];
    return this.#change(moment, () => {
      for (const [at, part] of operation.operations.entries()) {
        try {
          results.push({ type: part.type, ...this.#one(part, moment) });
        } catch (error) {
          if (!(error instanceof ModelError)) throw error;
          const codes = operation.operations.map((_, i) =>
            i < at ? 'Ok' : i === at ? error.code : 'RuntimeInconsistency',
          );
          throw new ModelError(error.code, codes);
        }
      }
      return results;
    });
  }

  /** A session is over: what it owns goes. Returns what went. */
  endSession(session: number, moment: Moment): string[] {
    const own = this.ephemerals(session);
    this.#change(moment, () => {
      for (const path of own) this.#remove(path, moment);
    });
    return own;
  }

  /** An empty container that had children goes, and a node without children that was not modified for its time to live. */
  sweep(path: string, moment: Moment): boolean {
    const node = this.#nodes.get(path);
    if (node === undefined || node.children.size > 0) return false;
    const isOver = node.ttl > 0 && node.mtime + node.ttl < moment.time + this.#clockSkew;
    if (!isOver && !(node.container && node.created > 0)) return false;
    this.#change(moment, () => this.#remove(path, moment));
    return true;
  }

  #touched = new Map<string, Set<EventType>>();

  /** All or nothing. */
  #change<T>(moment: Moment, work: () => T): T {
    const before = new Map(
      [...this.#nodes].map(([path, node]) => [path, { ...node, children: new Set(node.children) }]),
    );
    this.#touched = new Map();
    try {
      const result = work();
      for (const [path, types] of this.#touched) {
        this.#show(path, moment.zxid);
        const events = this.#events.get(path) ?? [];
        this.#events.set(path, events);
        for (const type of types) events.push({ zxid: moment.zxid, type });
      }
      return result;
    } catch (error) {
      this.#nodes = before;
      throw error;
    }
  }

  #one(operation: Operation | MultiOperation, moment: Moment): { path?: string; stat?: Stat } | undefined {
    switch (operation.type) {
      case 'create':
        return this.#create(operation, moment);
      case 'delete': {
        if (['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota'].includes(operation.path))
          throw new ModelError('BadArguments');
        this.#need(parentPath(operation.path));
        const node = this.#need(operation.path, operation.version);
        if (node.children.size > 0) throw new ModelError('NotEmpty');
        this.#remove(operation.path, moment);
        return {};
      }
      case 'setData': {
        const node = this.#need(operation.path, operation.version);
        Object.assign(node, { data: text(operation.data), version: node.version + 1 });
        Object.assign(node, { mzxid: moment.zxid, mtime: moment.time });
        this.#touch(operation.path, 'NodeDataChanged');
        return { stat: statOf(node) };
      }
      case 'setACL': {
        const node = this.#need(operation.path);
        if (operation.version !== -1 && operation.version !== node.aversion) throw new ModelError('BadVersion');
        Object.assign(node, { readable: isReadable(operation.acl), aversion: node.aversion + 1 });
        this.#touch(operation.path);
        return { stat: statOf(node) };
      }
      case 'check':
        if (!this.#need(operation.path).readable) throw new ModelError('NoAuth');
        this.#need(operation.path, operation.version);
        return {};
      default:
        return undefined;
    }
  }

  #create(operation: Operation & { type: 'create' }, moment: Moment): { path: string; stat: Stat } {
    const parentAt = parentPath(operation.path);
    const parent = this.#need(parentAt);
    const isSequential = operation.mode.includes('SEQUENTIAL');
    const path = isSequential ? `${operation.path}${String(parent.created).padStart(10, '0')}` : operation.path;
    if (this.#nodes.has(path)) throw new ModelError('NodeExists');
    if (parent.owner !== 0) throw new ModelError('NoChildrenForEphemerals');
    const node = blank(moment);
    node.data = text(operation.data);
    if (operation.mode.startsWith('EPHEMERAL')) node.owner = moment.session;
    node.container = operation.mode === 'CONTAINER';
    node.ttl = operation.ttl ?? 0;
    node.readable = isReadable(operation.acl);
    this.#nodes.set(path, node);
    parent.children.add(nameOf(path));
    parent.created++;
    parent.pzxid = moment.zxid;
    this.#touch(path, 'NodeCreated');
    this.#touch(parentAt, 'NodeChildrenChanged');
    return { path, stat: statOf(node) };
  }

  #remove(path: string, { zxid }: Moment): void {
    const parentAt = parentPath(path);
    const parent = this.#need(parentAt);
    this.#nodes.delete(path);
    parent.children.delete(nameOf(path));
    parent.pzxid = Math.max(parent.pzxid, zxid);
    this.#touch(path, 'NodeDeleted');
    this.#touch(parentAt, 'NodeChildrenChanged');
  }

  #need(path: string, version = -1): ModelNode {
    const node = this.#nodes.get(path);
    if (node === undefined) throw new ModelError('NoNode');
    if (version !== -1 && version !== node.version) throw new ModelError('BadVersion');
    return node;
  }

  #touch(path: string, type?: EventType): void {
    const types = this.#touched.get(path) ?? new Set();
    this.#touched.set(path, type === undefined ? types : types.add(type));
  }

  /** Readers see the node as it is now, from this transaction on. */
  #show(path: string, zxid: number): void {
    const versions = this.#versions.get(path) ?? [{ zxid: 0 }];
    this.#versions.set(path, versions);
    const node = this.#nodes.get(path);
    const version: Version =
      node === undefined
        ? { zxid }
        : {
            zxid,
            stat: statOf(node),
            data: node.data,
            children: [...node.children].sort(),
            readable: node.readable,
          };
    if (versions.at(-1)?.zxid === zxid) versions.pop();
    versions.push(version);
  }
}

function isReadable(acl: readonly Acl[]): boolean {
  return acl.some(({ scheme, permissions }) => scheme === 'world' && (permissions & Permission.READ) !== 0);
}

function blank({ zxid, time }: Moment): ModelNode {
  return {
    czxid: zxid,
    mzxid: zxid,
    pzxid: zxid,
    ctime: time,
    mtime: time,
    version: 0,
    created: 0,
    data: '',
    owner: 0,
    container: false,
    ttl: 0,
    aversion: 0,
    readable: true,
    children: new Set(),
  };
}

function statOf(node: ModelNode): Stat {
  const { czxid, mzxid, pzxid, ctime, mtime, version, aversion } = node;
  return {
    czxid,
    mzxid,
    pzxid,
    ctime,
    mtime,
    version,
    cversion: node.created * 2 - node.children.size,
    aversion,
    ephemeralOwner: node.owner,
    dataLength: Buffer.byteLength(node.data),
    numChildren: node.children.size,
  };
}
