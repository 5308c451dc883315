import {
  type Acl,
  childPath,
  NodeExistsError,
  NoNodeError,
  NotEmptyError,
  nodeName,
  OPEN_ACL_UNSAFE,
  parentPath,
  type Stat,
} from '@faaskeeper/protocol';
import type { ShellClient } from '../../../client/shell/index.ts';

interface FakeNode {
  data: Uint8Array | null;
  version: number;
  acl: readonly Acl[];
}

/** A tree in memory with the little that the shell's own tests need. `calls` lists what was asked, in order. */
export class FakeClient {
  readonly nodes = new Map<string, FakeNode>([['/', { data: null, version: 0, acl: OPEN_ACL_UNSAFE }]]);
  readonly calls: string[] = [];
  readonly sessionId = 0x1f;
  state = 'connected' as ShellClient['state'];

  /** The shell takes a whole client; a method that is missing here fails the test that calls it. */
  get client(): ShellClient {
    return this as unknown as ShellClient;
  }

  on() {
    return () => undefined;
  }

  async close() {
    this.calls.push('close');
    this.state = 'closed';
  }

  async sync(path: string) {
    return path;
  }

  async create2(path: string, data: Uint8Array | string | null, options: { acl?: readonly Acl[]; mode?: string }) {
    this.calls.push(`create ${options.mode} ${path}`);
    this.#need(parentPath(path));
    if (this.nodes.has(path)) throw new NodeExistsError(undefined, { path });
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    this.nodes.set(path, { data: bytes, version: 0, acl: options.acl ?? OPEN_ACL_UNSAFE });
    return { path, stat: this.#stat(path) };
  }

  async delete(path: string) {
    this.calls.push(`delete ${path}`);
    this.#need(path);
    if (this.#children(path).length > 0) throw new NotEmptyError(undefined, { path });
    this.nodes.delete(path);
  }

  async exists(path: string) {
    return this.nodes.has(path) ? this.#stat(path) : null;
  }

  async getData(path: string) {
    return { data: this.#need(path).data, stat: this.#stat(path) };
  }

  async setData(path: string, data: Uint8Array | string, version: number) {
    this.calls.push(`set ${path} ${version}`);
    const node = this.#need(path);
    node.data = Buffer.from(data);
    node.version++;
    return this.#stat(path);
  }

  async getChildren2(path: string) {
    this.#need(path);
    return { children: this.#children(path), stat: this.#stat(path) };
  }

  async getACL(path: string) {
    return { acl: this.#need(path).acl, stat: this.#stat(path) };
  }

  async addAuth(scheme: string, auth: string) {
    this.calls.push(`addauth ${scheme} ${auth}`);
  }

  #need(path: string): FakeNode {
    const node = this.nodes.get(path);
    if (node === undefined) throw new NoNodeError(undefined, { path });
    return node;
  }

  #children(path: string): string[] {
    return [...this.nodes.keys()].filter((node) => node !== '/' && parentPath(node) === path).map(nodeName);
  }

  #stat(path: string): Stat {
    const { data, version } = this.#need(path);
    const time = Date.UTC(2026, 10, 23, 22, 2, 21);
    const [dataLength, numChildren] = [data?.length ?? 0, this.#children(path).length];
    const zxids = { czxid: 2, mzxid: 10, pzxid: 255 };
    const times = { ctime: time, mtime: time };
    return { ...zxids, ...times, version, cversion: 0, aversion: 0, ephemeralOwner: 0, dataLength, numChildren };
  }
}

/** Adds nodes below the root, parents first. */
export async function plant(fake: FakeClient, ...paths: string[]): Promise<void> {
  for (const path of paths) await fake.create2(childPath('/', path), null, {});
  fake.calls.length = 0;
}
