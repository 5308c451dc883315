import {
  type Attach,
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

/** What a gateway vouches for; absent where a client opens its session itself. */
interface WithIdentities {
  readonly identities?: readonly Identity[];
}

/** A REQ message, decoded. Poison is committed as an error and kept with its reason (invariant 14). */
export type Incoming =
  | (CreateSession & WithIdentities)
  | (Attach & WithIdentities)
  | Requests
  | { readonly type: 'system'; readonly operation: SystemOperation }
  | { readonly type: 'poison'; readonly reason: string; readonly subject: string; readonly payload: Uint8Array };

/** Never throws: what does not decode is poison. */
export function decodeIncoming(subject: string, payload: Uint8Array, systemSubject: string): Incoming {
  try {
    if (subject === systemSubject) return decodeTrusted(payload);
    return decodeAs(requestMessageSchema, payload, 'request');
  } catch (error) {
    return { type: 'poison', reason: error instanceof Error ? error.message : String(error), subject, payload };
  }
}

function decodeTrusted(payload: Uint8Array): Incoming {
  const message = decode(payload, 'system request');
  const { type } = message as { type?: unknown };
  if (type === 'createSession' || type === 'attach') return validate(trustedOpeningSchema, message, 'trusted opening');
  return { type: 'system', operation: validate(systemOperationSchema, message, 'system request') };
}
