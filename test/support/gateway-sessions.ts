/** Sessions as a gateway has them, in the test's own process: what goes wrong between it and NATS is the test's to say. */
import type { Messaging } from '@faaskeeper/client';
import type { Acl, Identity, Operation, Reply } from '@faaskeeper/protocol';
import type { Engine } from '../../client/engine.ts';
import { setPersistentWatch } from '../../client/gateway/connection/watching.ts';
import { SharedMessaging } from '../../client/gateway/index.ts';
import { Instance } from '../../client/gateway/instance.ts';
import { connectNats, s3Reader, systemClock, systemRandom } from '../../client/transport/index.ts';
import type { TestFaaSKeeper } from './faaskeeper.ts';

export const LOCAL: Identity = { scheme: 'ip', id: '127.0.0.1' };

/** `wrap`: what stands between the gateway and NATS. */
export async function gatewaySessions<T extends Messaging>(
  { spec, clientOptions }: TestFaaSKeeper,
  wrap: (nats: Messaging) => T,
) {
  const messaging = wrap(await connectNats(clientOptions.nats!, spec.id));
  const shared = new SharedMessaging(messaging);
  const objects = s3Reader({ ...clientOptions.s3!, prefix: '' });
  const outside = { messaging: shared, objects, clock: systemClock, random: systemRandom };
  const instance = new Instance(outside, { instance: spec.id, prefix: spec.storagePrefix });
  return {
    messaging,
    open: async (identities = [LOCAL]) =>
      new GatewaySession(await instance.open({ timeout: 10_000, identities, signal: AbortSignal.timeout(20_000) })),
    async [Symbol.asyncDispose]() {
      instance.close();
      await shared.close();
      objects.close();
    },
  };
}

/** Says in which order replies and events may be sent to its client. */
export class GatewaySession {
  readonly engine: Engine;
  /** `NodeCreated /a`, `setData NoNode`, in the order in which they would leave. */
  readonly sent: string[] = [];

  constructor(engine: Engine) {
    this.engine = engine;
  }

  do(operation: Operation, covered = false): Promise<Reply> {
    return this.engine.write(operation, { raw: true, covered }, (_, reply) => {
      this.sent.push(`${operation.type} ${reply.error ?? 'Ok'}`);
      return reply;
    });
  }

  create(path: string, acl: readonly Acl[]): Promise<Reply> {
    return this.do({ type: 'create', path, data: null, acl: [...acl], mode: 'PERSISTENT' });
  }

  set(path: string): Promise<Reply> {
    return this.do({ type: 'setData', path, data: new Uint8Array(1), version: -1 });
  }

  remove(path: string): Promise<Reply> {
    return this.do({ type: 'delete', path, version: -1 });
  }

  auth(userAndPassword: string): Promise<Reply> {
    return this.do({ type: 'addAuth', scheme: 'digest', auth: Buffer.from(userAndPassword) });
  }

  sync(): Promise<Reply> {
    return this.do({ type: 'sync', path: '/' }, true);
  }

  /** Events from now on; they are also among what is sent. */
  async watch(path: string, recursive = false): Promise<string[]> {
    const told: string[] = [];
    await setPersistentWatch(this.engine, path, recursive, {
      onWatch: (event) => {
        for (const list of [told, this.sent]) list.push(`${event.type} ${event.path}`);
      },
      onMissed: () => undefined,
      onSet: () => undefined,
    });
    return told;
  }
}
