import type { Identity } from '@faaskeeper/protocol';
import { Chroot } from '../chroot.ts';
import { Emitter } from '../emitter.ts';
import { type ClientEvents, Engine } from '../engine.ts';
import type { Clock, ObjectReader, OnReadFailure, Random } from '../ports.ts';
import type { Credentials } from '../session/handshake.ts';
import { hybridReader, type RecordReader } from '../transport/index.ts';
import { View } from '../view.ts';
import { BOUNDS } from './bounds.ts';
import { InstanceMailbox } from './mailbox.ts';
import type { InstanceSettings } from './settings.ts';
import type { SharedMessaging } from './shared-messaging.ts';

/** What the gateway stands on. */
export interface GatewayOutside {
  readonly messaging: SharedMessaging;
  readonly objects: ObjectReader;
  /** Without, no instance with Hybrid user storage can be read. */
  readonly records?: RecordReader | undefined;
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
  readonly #objects: ObjectReader;
  readonly #mailbox: InstanceMailbox;
  readonly #onReadFailure: OnReadFailure | undefined;

  constructor(
    outside: GatewayOutside,
    { instance: id, prefix, userStorage }: Pick<InstanceSettings, 'instance' | 'prefix' | 'userStorage'>,
    onReadFailure?: OnReadFailure,
  ) {
    this.id = id;
    this.#onReadFailure = onReadFailure;
    this.#prefix = prefix;
    this.#outside = outside;
    this.#objects = userStorage === 'Hybrid' ? hybrid(outside, { instance: id, prefix }) : outside.objects;
    const feed = { messaging: outside.messaging.member(), clock: outside.clock };
    this.#mailbox = new InstanceMailbox({ ...outside, messaging: outside.messaging.member() }, id);
    this.view = new View(feed, id, { cacheBytes: BOUNDS.cacheBytes, system: true });
  }

  /** @throws SessionExpiredError when there is no such session; OperationTimeoutError; AbortedError. */
  async open({ timeout, session, identities, signal }: OpenOptions): Promise<Engine> {
    const { messaging, clock, random } = this.#outside;
    const outside = {
      messaging: messaging.member(),
      objects: { get: this.#objects.get, close: () => undefined },
      clock,
      random,
      mailbox: this.#mailbox,
      onReadFailure: this.#onReadFailure,
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

function hybrid({ objects, records }: GatewayOutside, at: { instance: string; prefix: string }): ObjectReader {
  if (records === undefined) throw new Error(`There is no Redis for instance ${at.instance}`);
  return hybridReader(objects, records, at);
}
