import {
  type Attach,
  bundleSchema,
  type CreateSession,
  decode,
  decodeAs,
  type Identity,
  type Requests,
  requestMessageSchema,
  type SystemOperation,
  systemOperationSchema,
  trustedOpeningSchema,
  validate,
} from '@faaskeeper/protocol';

/** What a gateway says; absent where a client opens its session itself. */
interface Trusted {
  readonly identities?: readonly Identity[] | undefined;
  readonly mailbox?: Uint8Array | undefined;
}

/** A REQ message, decoded. Poison is committed as an error and kept with its reason (invariant 14). */
export type Incoming =
  | (CreateSession & Trusted)
  | (Attach & Trusted)
  | Requests
  | { readonly type: 'system'; readonly operation: SystemOperation }
  | { readonly type: 'poison'; readonly reason: string; readonly subject: string; readonly payload: Uint8Array };

/** Mostly one; those of a bundle in its order. Never throws: what does not decode is poison. */
export function decodeIncoming(subject: string, payload: Uint8Array, systemSubject: string): Incoming[] {
  return poisonOr(subject, payload, () =>
    subject === systemSubject ? decodeTrusted(subject, payload) : [decodeAs(requestMessageSchema, payload, 'request')],
  );
}

function poisonOr(subject: string, payload: Uint8Array, decoded: () => Incoming[]): Incoming[] {
  try {
    return decoded();
  } catch (error) {
    return [{ type: 'poison', reason: error instanceof Error ? error.message : String(error), subject, payload }];
  }
}

function decodeTrusted(subject: string, payload: Uint8Array): Incoming[] {
  const message = decode(payload, 'system request');
  const { type } = message as { type?: unknown };
  if (type === 'bundle') {
    const { messages } = validate(bundleSchema, message, 'bundle');
    return messages.flatMap((one) =>
      poisonOr(subject, one, () => [decodeAs(requestMessageSchema, one, 'request in a bundle')]),
    );
  }
  if (type === 'createSession' || type === 'attach')
    return [validate(trustedOpeningSchema, message, 'trusted opening')];
  return [{ type: 'system', operation: validate(systemOperationSchema, message, 'system request') }];
}
