import type { Identity } from '@faaskeeper/protocol';
import { Chroot } from '../chroot.ts';
import { Emitter } from '../emitter.ts';
import { type ClientEvents, Engine } from '../engine.ts';
import type { Clock, ObjectReader, Random } from '../ports.ts';
import type { Credentials } from '../session/handshake.ts';
import { View } from '../view.ts';
import { BOUNDS } from './bounds.ts';
import { InstanceMailbox } from './mailbox.ts';
import type { SharedMessaging } from './shared-messaging.ts';

/** What the gateway stands on. */
export interface GatewayOutside {
  readonly messaging: SharedMessaging;
  readonly objects: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
}

export interface OpenOptions {
  /** Wanted session timeout, ms. */
  readonly timeout: number;
  /** Attaches to this session; a new one without. */
  readonly session?: Credentials | undefined;
  /** Who the connection is known to be. */
  readonly identities: readonly Identity[];
  readonly signal: AbortSignal;
}

const NO_CHROOT = new Chroot(undefined);

/** An instance as this gateway serves it: its sessions share one feed and one cache. */
export class Instance {
  readonly id: string;
  readonly view: View;
  readonly #prefix: string;
  readonly #outside: GatewayOutside;
  readonly #mailbox: InstanceMailbox;

  constructor(outside: GatewayOutside, id: string, prefix: string) {
    this.id = id;
    this.#prefix = prefix;
    this.#outside = outside;
    const feed = { messaging: outside.messaging.member(), clock: outside.clock };
    this.#mailbox = new InstanceMailbox({ ...outside, messaging: outside.messaging.member() }, id);
    this.view = new View(feed, id, { cacheBytes: BOUNDS.cacheBytes, system: true });
  }

  /** @throws SessionExpiredError when there is no such session; OperationTimeoutError; AbortedError. */
  async open({ timeout, session, identities, signal }: OpenOptions): Promise<Engine> {
    const { messaging, objects, clock, random } = this.#outside;
    const outside = {
      messaging: messaging.member(),
      objects: { get: objects.get, close: () => undefined },
      clock,
      random,
      mailbox: this.#mailbox,
    };
    const options = {
      instance: this.id,
      prefix: this.#prefix,
      chroot: NO_CHROOT,
      sessionTimeout: timeout,
      session,
      identities,
      cacheBytes: 0,
      requestTimeout: Number.POSITIVE_INFINITY,
    };
    const engine = new Engine(outside, options, new Emitter<ClientEvents>(), this.view);
    await engine.session.open(BOUNDS.openTime, signal);
    return engine;
  }

  close(): void {
    this.view.close();
    this.#mailbox.close();
  }
}
