import {
  ConnectionLossError,
  encode,
  errorFor,
  type FaaSKeeperError,
  type Identity,
  type Operation,
  SessionExpiredError,
  type SessionOpened,
  type SessionRefused,
  subjects,
} from '@faaskeeper/protocol';
import type { Outside, Timer } from '../ports.ts';
import { Beats } from './beats.ts';
import { type Credentials, handshake } from './handshake.ts';
import type { Link, LinkMessage } from './link.ts';
import { Requests } from './requests.ts';
import { isFinal, type SessionState } from './states.ts';

export interface SessionOptions {
  readonly instance: string;
  /** Wanted, ms; `timeout` has what was negotiated. */
  readonly timeout: number;
  readonly session?: Credentials | undefined;
  /** For the first attachment; later ones keep what the session is authenticated as. */
  readonly identities?: readonly Identity[] | undefined;
}

/** What a session tells those that build on it. */
export interface SessionHooks {
  onState(state: SessionState, previous: SessionState): void;
  /**
   * Attached at `zxid`, with `watermark` as the newest known to be visible; everything since the last attachment may be
   * lost. What was acknowledged to anyone before the attachment must be seen by its reads.
   */
  onAttached(zxid: number, watermark: number): void;
  /** The newest watermark that an answer named. */
  onWatermark(zxid: number): void;
  /** The session is over; nothing outstanding will be answered. */
  onEnd(error: FaaSKeeperError): void;
  onHalted(reason: string | undefined): void;
}

/** Shortest time that one attempt to re-attach gets, ms. */
const ATTACH_PATIENCE = 1_000;

/**
 * A session: attached, kept alive, attached again after every silence or broken connection, until it is closed or the
 * system says that it has expired.
 */
export class Session {
  state: SessionState = 'connecting';
  id = 0;
  password: Uint8Array = new Uint8Array(16);
  /** Negotiated, ms. */
  timeout: number;
  generation = 0;
  /** Why the instance takes no writes, if so. */
  halted: string | undefined;
  /** Why the session is over, if it is. */
  ended: FaaSKeeperError | undefined;
  readonly requests: Requests;

  readonly #outside: Outside;
  readonly #options: SessionOptions;
  readonly #hooks: SessionHooks;
  readonly #beats: Beats;
  readonly #subjects: ReturnType<typeof subjects>;
  #link: Link | undefined;
  #attaching = false;
  /** Names this client among all that use the session: the nonce of its first attachment. */
  #holder: Uint8Array | undefined;
  #retry: Timer | undefined;
  #over: AbortController | undefined;

  constructor(outside: Outside, options: SessionOptions, hooks: SessionHooks) {
    this.#outside = outside;
    this.#options = options;
    this.#hooks = hooks;
    this.timeout = options.timeout;
    this.#subjects = subjects(options.instance);
    const { clock, random } = outside;
    this.requests = new Requests({ clock, random, send: (message, traceparent) => this.#send(message, traceparent) });
    this.#beats = new Beats({ clock, send: (id) => this.#beat(id), onSilence: () => this.suspend() });
    outside.messaging.onConnection((connected) => (connected ? this.#reattach() : this.suspend()));
  }

  /** Connected, and sure that the session cannot have expired. */
  get live(): boolean {
    return this.state === 'connected' && this.#outside.clock.now() < this.#beats.deadline;
  }

  /** @throws the reason why there is no session: SessionExpired, AuthFailed, OperationTimeout, Aborted. */
  async open(patience: number, signal?: AbortSignal): Promise<void> {
    const { instance, timeout, session, identities } = this.#options;
    const { clock } = this.#outside;
    const until = clock.now() + patience;
    try {
      for (let known = session; ; ) {
        const { link, answer } = await handshake(this.#outside, {
          instance,
          timeout,
          session: known,
          holder: this.#holder,
          identities,
          patience: Math.max(0, until - clock.now()),
          signal,
        });
        if (answer.type === 'opened') {
          this.#holder ??= link.nonce;
          if (this.#attachIfFresh(link, answer)) return;
          known = { id: answer.session, password: answer.password };
        } else {
          if (known === session) throw errorFor(answer.error, { instance, session: session?.id });
          // It was over before anybody could use it.
          this.#holder = undefined;
          known = session;
        }
      }
    } catch (error) {
      this.end('closed', error as FaaSKeeperError);
      throw error;
    }
  }

  /** Nothing may be trusted until the session is attached again. */
  suspend(): void {
    if (this.state !== 'connected') return;
    this.#detach();
    this.#become('suspended');
    this.#reattach();
  }

  /** For a holder of watches that cannot be told what it missed: ZooKeeper's way to say so. */
  signalGap(): void {
    if (this.state !== 'connected') return;
    this.#hooks.onState('suspended', 'connected');
    this.#hooks.onState('connected', 'suspended');
  }

  end(state: 'expired' | 'closed', error: FaaSKeeperError): void {
    if (isFinal(this.state)) return;
    this.#detach();
    this.#retry?.cancel();
    this.ended = error;
    this.#over?.abort(error);
    this.#become(state);
    this.#hooks.onEnd(error);
  }

  #detach(): void {
    this.requests.pause();
    this.#beats.stop();
    this.#link?.close();
    this.#link = undefined;
  }

  #become(state: SessionState): void {
    const previous = this.state;
    this.state = state;
    this.#hooks.onState(state, previous);
  }

  #attached(link: Link, opened: SessionOpened, since: number): void {
    this.id = opened.session;
    this.password = opened.password;
    this.timeout = opened.timeout;
    this.#link = link;
    link.handler = (message) => this.#receive(message);
    this.#dropForeign(opened);
    this.generation = opened.generation;
    this.#beats.start(opened.timeout, since);
    this.#hooks.onAttached(opened.zxid, opened.watermark);
    this.#become('connected');
    if (this.state === 'connected') this.requests.resume(opened.next);
  }

  #receive(message: LinkMessage): void {
    switch (message.type) {
      case 'replies':
        this.requests.answer(message.replies);
        break;
      case 'gap':
        if (message.generation === this.generation) this.requests.gap(message.from);
        break;
      case 'beat':
        this.#beats.answer(message.id);
        this.#setHalted(message.halted);
        this.#hooks.onWatermark(message.watermark);
        break;
      case 'ping':
        this.#beats.beat();
        break;
      case 'opened':
        // A repetition of our request was taken for another one: the generation has moved on with it.
        if (message.generation <= this.generation) break;
        this.#dropForeign(message);
        this.generation = message.generation;
        this.requests.resume(message.next);
        break;
      case 'refused':
        this.#refused(message);
        break;
    }
  }

  #refused({ error, generation }: SessionRefused): void {
    // An answer to what was sent before the last attachment says nothing about this one.
    if (generation < this.generation) return;
    const about = { session: this.id, instance: this.#options.instance };
    if (error === 'SessionExpired') this.end('expired', new SessionExpiredError(undefined, about));
    else this.end('closed', errorFor(error, about));
  }

  #setHalted(reason: string | undefined): void {
    if (this.halted === reason) return;
    this.halted = reason;
    this.#hooks.onHalted(reason);
  }

  #reattach(): void {
    if (this.state !== 'suspended' || this.#attaching || !this.#outside.messaging.connected) return;
    this.#attaching = true;
    this.#retry?.cancel();
    this.#attachOnce().then(
      (done) => this.#afterAttempt(done),
      () => this.#afterAttempt(false),
    );
  }

  #afterAttempt(done: boolean): void {
    this.#attaching = false;
    if (done || this.state !== 'suspended') return;
    this.#retry = this.#outside.clock.timer(100 + this.#outside.random.fraction() * 200, () => this.#reattach());
  }

  async #attachOnce(): Promise<boolean> {
    const { instance } = this.#options;
    const patience = Math.max(ATTACH_PATIENCE, this.timeout / 3);
    const session = { id: this.id, password: this.password };
    // Only from the second attachment on; the session is not over here.
    this.#over ??= new AbortController();
    const { signal } = this.#over;
    const { link, answer } = await handshake(this.#outside, {
      instance,
      timeout: this.timeout,
      session,
      holder: this.#holder,
      patience,
      signal,
    });
    if (answer.type === 'refused') {
      this.#refused({ ...answer, generation: Math.max(answer.generation, this.generation) });
      return true;
    }
    return this.#attachIfFresh(link, answer);
  }

  /** False when the answer took so long that the session may have expired meanwhile: it has to be asked for again. */
  #attachIfFresh(link: Link, answer: SessionOpened): boolean {
    const { clock, messaging } = this.#outside;
    const since = link.since ?? clock.now();
    const isFresh = since + (answer.timeout * 2) / 3 > clock.now();
    if (!isFresh || !messaging.connected || isFinal(this.state)) {
      link.close();
      return false;
    }
    this.#attached(link, answer, since);
    return true;
  }

  /** Another client has used the session, and our request numbers. */
  #dropForeign(answer: SessionOpened): void {
    if (answer.heldSince <= this.generation) return;
    const error = new ConnectionLossError('Another client used the session meanwhile: the outcome is unknown', {
      session: this.id,
    });
    this.requests.abandon(answer.next, error);
  }

  #send(message: { first: number; lowest: number; operations: Operation[] }, traceparent: string | undefined): boolean {
    if (this.state !== 'connected' || !this.#outside.messaging.connected) return false;
    const { id, generation, password } = this;
    const { messaging, mailbox } = this.#outside;
    const payload = encode({ type: 'requests', session: id, generation, password, ...message });
    if (mailbox === undefined) messaging.publish(this.#subjects.request(id), payload, traceparent);
    else mailbox.post(this.#subjects.request(id), payload);
    return true;
  }

  #beat(id: number): void {
    if (!this.#outside.messaging.connected) return;
    const { generation, password } = this;
    this.#outside.messaging.publish(this.#subjects.beat(this.id), encode({ generation, password, id }));
  }
}
