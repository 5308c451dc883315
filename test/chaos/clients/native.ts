import { type ConnectOptions, FaaSKeeper, isFaaSKeeperError, MultiError, type Stat } from '@faaskeeper/client';
import { CHAOS } from '../bounds.ts';
import type { Found, Operation, Outcome } from '../history.ts';
import { failed, type Session, type SessionListener } from './session.ts';

const decoder = new TextDecoder();

/** A session of the client library. Its calls go on while it is suspended, until they have taken CHAOS.callMs. */
export class NativeSession implements Session {
  readonly #client: FaaSKeeper;
  readonly #listener: SessionListener;

  private constructor(client: FaaSKeeper, listener: SessionListener) {
    this.#client = client;
    this.#listener = listener;
    client.on('state', (state) => {
      if (state === 'expired' || state === 'closed') listener.changed(state, client.sessionId);
    });
  }

  /** @throws when no session could be opened. */
  static async open(options: ConnectOptions, listener: SessionListener): Promise<NativeSession> {
    const client = await FaaSKeeper.connect({
      ...options,
      connectTimeout: CHAOS.openMs,
      requestTimeout: CHAOS.callMs,
    });
    listener.changed('opened', client.sessionId);
    return new NativeSession(client, listener);
  }

  get id(): number {
    return this.#client.sessionId;
  }

  get alive(): boolean {
    return this.#client.state !== 'expired' && this.#client.state !== 'closed';
  }

  async perform(operation: Operation): Promise<Outcome> {
    try {
      return { type: 'ok', result: { nodes: await this.#call(operation) } };
    } catch (error) {
      if (!isFaaSKeeperError(error)) return failed(operation, String(error));
      const path = MultiError[Symbol.hasInstance](error) ? error.path : undefined;
      return failed(operation, error.code, path === undefined ? {} : { path });
    }
  }

  async close(): Promise<void> {
    await this.#client.close().catch(() => undefined);
  }

  /** Names of the children of a node. */
  async children(path: string): Promise<string[]> {
    await this.#client.sync(path);
    return this.#client.getChildren(path);
  }

  async #call(operation: Operation): Promise<Found[]> {
    const client = this.#client;
    switch (operation.f) {
      case 'create':
      case 'ephemeral':
      case 'append': {
        const { f, path, value } = operation;
        const mode = f === 'append' ? 'PERSISTENT_SEQUENTIAL' : f === 'ephemeral' ? 'EPHEMERAL' : 'PERSISTENT';
        const created = await client.create2(f === 'append' ? `${path}/n-` : path, value, { mode });
        return [found(created.path, value, created.stat)];
      }
      case 'set': {
        const { path, value, version } = operation;
        return [found(path, value, await client.setData(path, value, version))];
      }
      case 'delete':
        await client.delete(operation.path, operation.version);
        return [];
      case 'multi': {
        const { sets } = operation;
        const results = await client.multi(
          sets.map(({ path, value }) => ({ type: 'setData', path, data: value }) as const),
        );
        return sets.map(({ path, value }, at) => found(path, value, (results[at] as { stat: Stat }).stat));
      }
      case 'read': {
        const { path, sync, watch } = operation;
        const tell = ({ type, path: where, zxid }: { type: string; path: string; zxid: number }) =>
          this.#listener.event(type, where, zxid);
        // Both are sent before either is answered: the order of the calls is that of their effects.
        const synced = sync ? client.sync(path) : undefined;
        const read = client.getData(path, watch ? { watch: tell } : {});
        const [{ data, stat }] = await Promise.all([read, synced]);
        return [found(path, decoder.decode(data ?? undefined), stat)];
      }
    }
  }
}

function found(path: string, value: string, { version, mzxid, ephemeralOwner }: Stat): Found {
  return { path, value, version, mzxid, owner: ephemeralOwner };
}
