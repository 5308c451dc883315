import { DamagedError, type NodeMeta, type PresentNode, type StorageKeys } from '@faaskeeper/protocol';
import { sequencedId } from '../log-parts.ts';
import type { Random } from '../ports.ts';
import type { ObjectCache } from './object-cache.ts';

/** Where a node's object has its data: in itself, or in an immutable object that it names. */
export type StoredData = Pick<PresentNode, 'data' | 'dataId'>;

interface Place {
  readonly path: string;
  readonly zxid: number;
  readonly isProtected: boolean;
}

/** Data of nodes, which are stored apart beyond `inlineDataBytes`: a change of children need not write them again. */
export class NodeData {
  readonly #random: Random;
  readonly #keys: StorageKeys;
  readonly #cache: ObjectCache;
  readonly #inlineBytes: number;

  constructor(
    { random }: { random: Random },
    { keys, cache, inlineDataBytes }: { keys: StorageKeys; cache: ObjectCache; inlineDataBytes: number },
  ) {
    this.#random = random;
    this.#keys = keys;
    this.#cache = cache;
    this.#inlineBytes = inlineDataBytes;
  }

  key(path: string, id: string, isProtected: boolean): string {
    return isProtected ? this.#keys.protectedData(path, id) : this.#keys.data(path, id);
  }

  async store(data: Uint8Array | null, { path, zxid, isProtected }: Place): Promise<StoredData> {
    if (data === null || data.length <= this.#inlineBytes) return { data };
    const dataId = sequencedId(zxid, this.#random);
    await this.#cache.putData(this.key(path, dataId, isProtected), data);
    return { data: null, dataId };
  }

  /** Never half a node: what is carried over must be what the meta data say it is. @throws DamagedError */
  async carry(
    meta: NodeMeta,
    base: PresentNode | undefined,
    to: Place & { wasProtected: boolean },
  ): Promise<StoredData> {
    const { path } = to;
    if (base?.meta.mzxid !== meta.mzxid || base.meta.dataLength !== meta.dataLength) {
      const found = `User storage has data of ${path} of zxid ${base?.meta.mzxid}, not ${meta.mzxid}`;
      throw new DamagedError(found, { path });
    }
    const { data, dataId } = base;
    if (dataId === undefined) return { data };
    if (to.wasProtected === to.isProtected) return { data, dataId };
    return await this.store(await this.#cache.data(this.key(path, dataId, to.wasProtected), path), to);
  }
}
