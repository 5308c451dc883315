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

  constructor({ messaging, random, mailbox }: Pick<Outside, 'messaging' | 'random' | 'mailbox'>, instance: string) {
    this.nonce = random.bytes(16);
    this.key = mailbox?.key ?? random.bytes(32);
    const token = sessionToken(this.nonce);
    if (mailbox !== undefined) {
      this.#subscription = mailbox.receive(token, (message) => this.handler?.(message));
      return;
    }
    this.#subscription = messaging.subscribe(subjects(instance).session(token), (payload) => this.#receive(payload));
  }

  close(): void {
    this.handler = undefined;
    this.#subscription.close();
  }

  #receive(payload: Uint8Array): void {
    const message = openMessage(this.key, payload);
    if (message !== undefined) this.handler?.(message);
  }
}

/** undefined: not for us, or damaged. What it should have said is asked for again. */
export function openMessage(key: Uint8Array, payload: Uint8Array): LinkMessage | undefined {
  try {
    const outer = decodeAs(sessionMessageSchema, payload, 'message to a session');
    return outer.type === 'sealed' ? decodeAs(sealedMessageSchema, unseal(key, outer.body), 'sealed message') : outer;
  } catch {
    return undefined;
  }
}
