import { decodeAs, encode, LIMITS, mailSchema, sessionToken, subjects, unseal } from '@faaskeeper/protocol';
import { callSafely } from '../emitter.ts';
import type { Clock, Mailbox, Messaging, Random, Subscription } from '../ports.ts';
import { type LinkMessage, openMessage } from '../session/link.ts';

type Handler = (message: LinkMessage) => void;

/** So many messages do not wait for more: the system works on them while we read the next. */
const ENOUGH = 32;

/**
 * The way of an instance's sessions through this gateway: what they ask for in one turn leaves as one message, and two
 * subscriptions serve all of them. Order within a session is kept.
 */
export class InstanceMailbox implements Mailbox {
  readonly secret: Uint8Array;
  readonly key: Uint8Array;
  readonly #messaging: Messaging;
  readonly #clock: Clock;
  readonly #systemRequest: string;
  readonly #handlers = new Map<string, Handler>();
  readonly #subscriptions: readonly Subscription[];
  #posted: { readonly subject: string; readonly payload: Uint8Array }[] = [];
  #bytes = 0;

  constructor(outside: { messaging: Messaging; clock: Clock; random: Random }, instance: string) {
    const { messaging, clock, random } = outside;
    this.#messaging = messaging;
    this.#clock = clock;
    this.secret = random.bytes(16);
    this.key = random.bytes(32);
    const names = subjects(instance);
    this.#systemRequest = names.systemRequest;
    const own = names.session(sessionToken(this.secret));
    this.#subscriptions = [
      messaging.subscribe(own, (payload) => this.#open(payload)),
      messaging.subscribe(`${own}.*`, (payload, subject) => {
        const handler = this.#handlers.get(subject.slice(own.length + 1));
        const message = handler && openMessage(this.key, payload);
        if (message !== undefined) handler?.(message);
      }),
    ];
  }

  receive(token: string, handler: Handler): Subscription {
    this.#handlers.set(token, handler);
    return { close: () => void this.#handlers.delete(token) };
  }

  post(subject: string, payload: Uint8Array): void {
    if (this.#bytes + payload.length > LIMITS.bundleBytes) this.#send();
    this.#posted.push({ subject, payload });
    this.#bytes += payload.length;
    if (this.#posted.length >= ENOUGH) this.#send();
    // Sessions that are served in the same turn come first.
    else if (this.#posted.length === 1) this.#clock.soon(() => this.#send());
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#handlers.clear();
  }

  #send(): void {
    const posted = this.#posted;
    const [first] = posted;
    this.#posted = [];
    this.#bytes = 0;
    // Without a connection nothing is sent; the sessions attach anew when it is back, and send again.
    if (first === undefined || !this.#messaging.connected) return;
    if (posted.length === 1) this.#messaging.publish(first.subject, first.payload);
    else {
      const messages = posted.map(({ payload }) => payload);
      this.#messaging.publish(this.#systemRequest, encode({ type: 'bundle', messages }));
    }
  }

  #open(payload: Uint8Array): void {
    let mail: ReturnType<typeof open>;
    try {
      mail = open(this.key, payload);
    } catch {
      // Damaged: the sessions ask again.
      return;
    }
    for (const { to, message } of mail.letters) {
      const handler = this.#handlers.get(to);
      if (handler !== undefined) callSafely(handler, message);
    }
  }
}

function open(key: Uint8Array, payload: Uint8Array) {
  return decodeAs(mailSchema, unseal(key, payload), 'mail');
}
