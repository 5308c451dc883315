import type { Msg, NatsConnection, Subscription } from 'nats';

/**
 * Hears a lane's input by core NATS, while the lane has no consumer and REQ not even its stream. What it hears may be
 * lost on its way, as anything in REQ: clients send again.
 */
export class Doorbell {
  readonly #subscriptions: readonly Subscription[];
  #rung = false;

  constructor(connection: NatsConnection, subjects: readonly string[], onRing: (message: Msg) => void) {
    const callback = (error: Error | null, message: Msg) => {
      if (error !== null) return;
      this.#rung = true;
      onRing(message);
    };
    this.#subscriptions = subjects.map((subject) => connection.subscribe(subject, { callback }));
  }

  /** Something was heard. */
  get rung(): boolean {
    return this.#rung;
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }
}
