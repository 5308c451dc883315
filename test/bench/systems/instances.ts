import { randomBytes } from 'node:crypto';
import { connectNats, declareInstance, removeInstance } from '@faaskeeper/functions/stores';
import type { InstanceSpecInput } from '@faaskeeper/protocol';
import { waitFor } from 'faaskeeper/servers';
import { BENCH } from '../bounds.ts';
import type { BenchClient } from '../client.ts';
import { connect } from './connect.ts';
import type { SystemServers } from './faaskeeper.ts';

/** Instances besides the first, on the same servers and functions. */
export class OtherInstances {
  readonly #servers: SystemServers;
  readonly #userStorage: NonNullable<InstanceSpecInput['userStorage']>;

  constructor(servers: SystemServers, userStorage: NonNullable<InstanceSpecInput['userStorage']>) {
    this.#servers = servers;
    this.#userStorage = userStorage;
  }

  async declare(): Promise<{ readonly client: BenchClient } & AsyncDisposable> {
    const { stores, redisUrl } = this.#servers;
    const [id] = (await this.#declare(1)) as [string];
    const place = { instance: id, nats: stores.nats, s3: { ...stores.s3, prefix: `${id}/` } };
    const hybrid = this.#userStorage.type === 'Hybrid' ? { redis: { url: redisUrl } } : {};
    const client = await connect({ ...place, ...hybrid }, true);
    return {
      client,
      [Symbol.asyncDispose]: async () => {
        await client.close();
        await this.#remove([id]);
      },
    };
  }

  async declareIdle(count: number): Promise<AsyncDisposable> {
    const ids = await this.#declare(count);
    const served = async () => {
      const metrics = await (await fetch(`${this.#servers.triggerUrl}/metrics`)).text();
      const missing = ids.filter(
        (id) => !new RegExp(`^faaskeeper_instance_owned\\{.*"${id}".*\\} 1$`, 'm').test(metrics),
      );
      if (missing.length > 0) throw new Error(`${missing.length} of ${count} instances are not served`);
    };
    await waitFor(served, { timeoutMs: BENCH.idleInstancesMs, intervalMs: 500 });
    return { [Symbol.asyncDispose]: () => this.#remove(ids) };
  }

  async #declare(count: number): Promise<string[]> {
    const nats = await connectNats({ ...this.#servers.stores.nats, name: 'faaskeeper-bench' });
    try {
      const ids = Array.from({ length: count }, () => `bench${randomBytes(5).toString('hex')}`);
      for (const id of ids) {
        await declareInstance(nats, { id, storagePrefix: `${id}/`, userStorage: this.#userStorage });
      }
      return ids;
    } finally {
      await nats.close();
    }
  }

  async #remove(ids: readonly string[]): Promise<void> {
    const nats = await connectNats({ ...this.#servers.stores.nats, name: 'faaskeeper-bench' });
    try {
      for (const id of ids) await removeInstance(nats, id);
    } finally {
      await nats.close();
    }
  }
}
