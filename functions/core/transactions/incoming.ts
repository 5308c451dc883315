import {
  type Attach,
  type CreateSession,
  decodeAs,
  type Requests,
  requestMessageSchema,
  type SystemOperation,
  systemOperationSchema,
} from '@faaskeeper/protocol';

/** A REQ message, decoded. Poison is committed as an error and kept with its reason (invariant 14). */
export type Incoming =
  | CreateSession
  | Attach
  | Requests
  | { readonly type: 'system'; readonly operation: SystemOperation }
  | { readonly type: 'poison'; readonly reason: string; readonly subject: string; readonly payload: Uint8Array };

/** Never throws: what does not decode is poison. */
export function decodeIncoming(subject: string, payload: Uint8Array, systemSubject: string): Incoming {
  try {
    if (subject === systemSubject) {
      return { type: 'system', operation: decodeAs(systemOperationSchema, payload, 'system request') };
    }
    return decodeAs(requestMessageSchema, payload, 'request');
  } catch (error) {
    return { type: 'poison', reason: error instanceof Error ? error.message : String(error), subject, payload };
  }
}
