/** A client over the real servers whose messages a test may lose, and whose connection it may break. */
import { FaaSKeeper, type Messaging, type SeamOptions } from '@faaskeeper/client';
import { connectNats, s3Reader, systemClock, systemRandom } from '../../client/transport/index.ts';
import type { TestFaaSKeeper } from './faaskeeper.ts';

export class LossyMessaging implements Messaging {
  readonly #inner: Messaging;
  #broken = false;
  #handler: ((connected: boolean) => void) | undefined;
  /** True: the message is lost on its way to the client. */
  losesIncoming: (subject: string, payload: Uint8Array) => boolean = () => false;
  /** True: the message is lost on its way from the client. */
  losesOutgoing: (subject: string, payload: Uint8Array) => boolean = () => false;
  /** How many were lost. */
  lost = 0;

  constructor(inner: Messaging) {
    this.#inner = inner;
  }

  get connected(): boolean {
    return !this.#broken && this.#inner.connected;
  }

  get maxPayload(): number {
    return this.#inner.maxPayload;
  }

  publish(subject: string, payload: Uint8Array): void {
    if (this.#broken || this.losesOutgoing(subject, payload)) this.lost++;
    else this.#inner.publish(subject, payload);
  }

  subscribe(subject: string, handler: (payload: Uint8Array, subject: string) => void): { close(): void } {
    return this.#inner.subscribe(subject, (payload, from) => {
      if (this.#broken || this.losesIncoming(subject, payload)) this.lost++;
      else handler(payload, from);
    });
  }

  onConnection(handler: (connected: boolean) => void): void {
    this.#handler = handler;
    this.#inner.onConnection(handler);
  }

  /** Nothing comes or goes any more, and the client knows. */
  break(): void {
    this.#broken = true;
    this.#handler?.(false);
  }

  mend(): void {
    this.#broken = false;
    this.#handler?.(true);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

export async function lossyClient(
  { clientOptions }: TestFaaSKeeper,
  options: Partial<SeamOptions> = {},
): Promise<{ client: FaaSKeeper; messaging: LossyMessaging } & AsyncDisposable> {
  const { instance, nats, s3 } = clientOptions;
  if (instance === undefined || nats === undefined || s3 === undefined) throw new Error('The options are not complete');
  const messaging = new LossyMessaging(await connectNats(nats, instance));
  const outside = { messaging, objects: s3Reader(s3), clock: systemClock, random: systemRandom };
  const client = await FaaSKeeper.over(outside, { instance, prefix: s3.prefix, ...options });
  return { client, messaging, [Symbol.asyncDispose]: () => client.close() };
}
