/** A connection between a test and NATS that holds back what a test wants to see late. */
import type { Messaging } from '@faaskeeper/client';

/** Delivers messages of the subjects that `holds` names only when the test releases them; others at once. */
export class HoldingMessaging implements Messaging {
  readonly #inner: Messaging;
  readonly #held: (() => void)[] = [];
  holds: (subject: string) => boolean = () => false;

  constructor(inner: Messaging) {
    this.#inner = inner;
  }

  get connected(): boolean {
    return this.#inner.connected;
  }

  get maxPayload(): number {
    return this.#inner.maxPayload;
  }

  get held(): number {
    return this.#held.length;
  }

  publish(subject: string, payload: Uint8Array): void {
    this.#inner.publish(subject, payload);
  }

  subscribe(subject: string, handler: (payload: Uint8Array, subject: string) => void): { close(): void } {
    return this.#inner.subscribe(subject, (payload, from) => {
      const deliver = () => handler(payload, from);
      if (this.holds(from)) this.#held.push(deliver);
      else deliver();
    });
  }

  /** Everything that was held back, in its order; nothing is held any more. */
  release(): void {
    this.holds = () => false;
    for (const deliver of this.#held.splice(0)) deliver();
  }

  onConnection(handler: (connected: boolean) => void): void {
    this.#inner.onConnection(handler);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
