import {
  decodeAs,
  type SealedMessage,
  type SessionMessage,
  sealedMessageSchema,
  sessionMessageSchema,
  sessionToken,
  subjects,
  unseal,
} from '@faaskeeper/protocol';
import type { Outside, Subscription } from '../ports.ts';

export type LinkMessage = SealedMessage | Exclude<SessionMessage, { type: 'sealed' }>;

/** One attachment's way back: what the system sends to the subject that the nonce names, sealed with its key. */
export class Link {
  readonly nonce: Uint8Array;
  readonly key: Uint8Array;
  /** When its nonce was first sent (clock time): the attachment is not older than that. */
  since: number | undefined;
  handler: ((message: LinkMessage) => void) | undefined;
  readonly #subscription: Subscription;

  constructor({ messaging, random }: Pick<Outside, 'messaging' | 'random'>, instance: string) {
    this.nonce = random.bytes(16);
    this.key = random.bytes(32);
    this.#subscription = messaging.subscribe(subjects(instance).session(sessionToken(this.nonce)), (payload) =>
      this.#receive(payload),
    );
  }

  close(): void {
    this.handler = undefined;
    this.#subscription.close();
  }

  #receive(payload: Uint8Array): void {
    let message: LinkMessage;
    try {
      const outer = decodeAs(sessionMessageSchema, payload, 'message to a session');
      message =
        outer.type === 'sealed' ? decodeAs(sealedMessageSchema, unseal(this.key, outer.body), 'sealed message') : outer;
    } catch {
      // Not for us, or damaged: what it should have said is asked for again.
      return;
    }
    this.handler?.(message);
  }
}
