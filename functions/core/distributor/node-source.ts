import {
  childPath,
  DamagedError,
  decode,
  HaltedError,
  type NodeMeta,
  nodeName,
  parentPath,
  type StorageKeys,
  SystemError,
} from '@faaskeeper/protocol';
import { contentBetween, withCheckpoint } from '../checkpoint/rebuild.ts';
import { readLog } from '../log-reader.ts';
import { LogTrimmedError, type Outside, OvertakenError } from '../ports.ts';
import { addressKey, at, mutationsOf } from '../tables.ts';

/** All of a node, whatever user storage shows. `meta` undefined: it does not exist. */
export interface WholeNode {
  readonly meta: NodeMeta | undefined;
  readonly data: Uint8Array | null;
  readonly names: readonly string[];
}

type Values = Map<string, Uint8Array | null>;
type LogTail = { readonly after: number; readonly nodes: Values; readonly datas: Values };

/**
 * Nodes as of one LOG sequence, from checkpoint and LOG: for those whose object in user storage is damaged or lost.
 * LOG behind the checkpoint is read once, for all nodes that are asked for.
 */
export class NodeSource {
  readonly #outside: Outside;
  readonly #keys: StorageKeys;
  readonly #to: number;
  #tail: Promise<LogTail> | undefined;

  constructor(outside: Outside, keys: StorageKeys, to: number) {
    this.#outside = outside;
    this.#keys = keys;
    this.#to = to;
  }

  /**
   * @throws HaltedError when checkpoint and LOG do not have it either; OvertakenError when the checkpoint is newer than
   * what is wanted.
   */
  async node(path: string): Promise<WholeNode> {
    try {
      return await this.#node(path);
    } catch (cause) {
      if (!(cause instanceof DamagedError) && !(cause instanceof LogTrimmedError)) throw cause;
      const message = `The object of ${path} is damaged or lost, and checkpoint and LOG cannot give it back`;
      throw new HaltedError(message, { path, cause });
    }
  }

  #node(path: string): Promise<WholeNode> {
    return withCheckpoint(this.#outside.objects, this.#keys, async (manifest) => {
      if (manifest.sequence > this.#to) throw new OvertakenError(`The checkpoint is at ${manifest.sequence} already`);
      this.#tail ??= this.#readTail(manifest.sequence);
      const tail = await this.#tail;
      if (tail.after !== manifest.sequence) throw new OvertakenError('The checkpoint moved on');
      const content = (section: 'kept' | 'data', from: string, to: string) =>
        contentBetween(this.#outside.objects, this.#keys, { manifest, section, from, to });
      const own = async (section: 'kept' | 'data', key: string) => {
        for await (const { mutation } of content(section, key, key)) return mutation.value;
        return null;
      };
      const meta = tail.nodes.get(path) ?? (tail.nodes.has(path) ? null : await own('kept', addressKey(at.node(path))));
      if (meta === null) return { meta: undefined, data: null, names: [] };
      const data = tail.datas.get(path) ?? (tail.datas.has(path) ? null : await own('data', addressKey(at.data(path))));
      const names = new Set<string>();
      const below = childPath(path, '');
      const note = (child: string, exists: boolean) => {
        if (child === '/' || parentPath(child) !== path) return;
        if (exists) names.add(nodeName(child));
        else names.delete(nodeName(child));
      };
      const range = [addressKey(at.node(below)), addressKey(at.node(`${below}\uffff`))] as const;
      for await (const { mutation } of content('kept', ...range)) note(mutation.key, true);
      for (const [child, value] of tail.nodes) note(child, value !== null);
      return {
        meta: decode(meta, 'node') as NodeMeta,
        data: data === null ? null : (decode(data, 'data') as Uint8Array | null),
        names: [...names],
      };
    });
  }

  async #readTail(after: number): Promise<LogTail> {
    const nodes: Values = new Map();
    const datas: Values = new Map();
    let last = after;
    for await (const page of readLog(this.#outside, this.#keys, { from: after + 1, to: this.#to })) {
      for (const { sequence, entry } of page) {
        last = sequence;
        for (const { table, key, value } of mutationsOf(entry, (wanted) => wanted === 'node' || wanted === 'data')) {
          (table === 'node' ? nodes : datas).set(key, value);
        }
      }
    }
    if (last < this.#to) throw new SystemError(`LOG can be read up to ${last} only, not to ${this.#to}`);
    return { after, nodes, datas };
  }
}
