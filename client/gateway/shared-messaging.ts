import type { Messaging, Subscription } from '../ports.ts';

type Handler = (payload: Uint8Array, subject: string) => void;

/**
 * One connection to NATS for the sessions of many clients: each subject is subscribed to once, whoever listens, and what
 * arrives is handed to all of them.
 */
export class SharedMessaging {
  readonly #base: Messaging;
  readonly #subjects = new Map<string, { subscription: Subscription; handlers: readonly Handler[] }>();
  readonly #members = new Set<(connected: boolean) => void>();

  constructor(base: Messaging) {
    this.#base = base;
    base.onConnection((connected) => {
      for (const handler of [...this.#members]) handler(connected);
    });
  }

  get connected(): boolean {
    return this.#base.connected;
  }

  get subscriptions(): number {
    return this.#subjects.size;
  }

  /** What one session uses as its connection; closing it leaves the others alone. */
  member(): Messaging {
    return new Member(this, this.#base, this.#members);
  }

  subscribe(subject: string, handler: Handler): Subscription {
    const known = this.#subjects.get(subject);
    if (known !== undefined) known.handlers = [...known.handlers, handler];
    else {
      const hear: Handler = (payload, from) => {
        for (const one of this.#subjects.get(subject)?.handlers ?? []) one(payload, from);
      };
      this.#subjects.set(subject, { subscription: this.#base.subscribe(subject, hear), handlers: [handler] });
    }
    let open = true;
    return {
      close: () => {
        if (open) this.#unsubscribe(subject, handler);
        open = false;
      },
    };
  }

  async close(): Promise<void> {
    this.#members.clear();
    this.#subjects.clear();
    await this.#base.close();
  }

  #unsubscribe(subject: string, handler: Handler): void {
    const known = this.#subjects.get(subject);
    if (known === undefined) return;
    const at = known.handlers.indexOf(handler);
    known.handlers = known.handlers.filter((_, index) => index !== at);
    if (known.handlers.length > 0) return;
    this.#subjects.delete(subject);
    known.subscription.close();
  }
}

class Member implements Messaging {
  readonly #shared: SharedMessaging;
  readonly #base: Messaging;
  readonly #members: Set<(connected: boolean) => void>;
  #handler: ((connected: boolean) => void) | undefined;

  constructor(shared: SharedMessaging, base: Messaging, members: Set<(connected: boolean) => void>) {
    this.#shared = shared;
    this.#base = base;
    this.#members = members;
  }

  get connected(): boolean {
    return this.#base.connected;
  }

  get maxPayload(): number {
    return this.#base.maxPayload;
  }

  publish(subject: string, payload: Uint8Array): void {
    this.#base.publish(subject, payload);
  }

  subscribe(subject: string, handler: Handler): Subscription {
    return this.#shared.subscribe(subject, handler);
  }

  onConnection(handler: (connected: boolean) => void): void {
    this.#handler = handler;
    this.#members.add(handler);
  }

  async close(): Promise<void> {
    if (this.#handler !== undefined) this.#members.delete(this.#handler);
  }
}
