import {
  type Attach,
  type CreateSession,
  digestIdentity,
  type Identity,
  type InstanceSpec,
  sessionToken,
} from '@faaskeeper/protocol';
import type { SessionRecord } from '../log-entry.ts';
import { removeNode } from './nodes.ts';
import { type Context, Refusal } from './rules.ts';
import type { Draft } from './state.ts';
import { count } from './totals.ts';

/** Identities that one session may collect with addAuth. */
const MAX_IDENTITIES = 64;

/** Earlier attachments that a session remembers: more than REQ can still redeliver of one client's attempts. */
const MAX_SUPERSEDED = 8;

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

function clampTimeout(wanted: number, spec: InstanceSpec): number {
  return Math.min(Math.max(wanted, spec.sessions.minTimeout), spec.sessions.maxTimeout);
}

/** With what only a gateway may add. */
export type Opening<Message> = Message & {
  readonly identities?: readonly Identity[] | undefined;
  readonly mailbox?: Uint8Array | undefined;
};

/**
 * A new session; its id is the zxid of its creation, so no id is ever given twice (invariant 4).
 *
 * @throws Refusal QuotaExceeded
 */
export function openSession(
  draft: Draft,
  message: Opening<CreateSession>,
  context: Context,
  spec: InstanceSpec,
  password: Uint8Array,
): SessionRecord {
  count(draft, { sessions: 1 }, context.limits);
  const session: SessionRecord = {
    id: context.zxid,
    generation: 1,
    password,
    key: message.key,
    token: sessionToken(message.nonce, message.mailbox),
    timeout: clampTimeout(message.timeout, spec),
    identities: message.identities ?? [],
    ended: 0,
    nonce: hex(message.nonce),
  };
  putSession(draft, session);
  draft.set('nonce', session.nonce, session.id);
  draft.set('progress', String(session.id), [0, 1]);
  return session;
}

/** A new attachment: requests and expiries that name an older generation are refused from here on. */
export function attachSession(
  draft: Draft,
  message: Opening<Attach>,
  session: SessionRecord,
  spec: InstanceSpec,
): SessionRecord {
  const generation = session.generation + 1;
  const holder = hex(message.holder ?? message.nonce);
  const attached: SessionRecord = {
    ...session,
    generation,
    ...(holder === (session.holder ?? session.nonce) ? {} : { holder, heldSince: generation }),
    superseded: [...(session.superseded ?? []), session.token].slice(-MAX_SUPERSEDED),
    key: message.key,
    token: sessionToken(message.nonce, message.mailbox),
    timeout: clampTimeout(message.timeout, spec),
    identities: message.identities ?? session.identities,
  };
  putSession(draft, attached);
  return attached;
}

function putSession(draft: Draft, session: SessionRecord): void {
  draft.set('session', String(session.id), session);
  draft.effects.push({ type: 'session', session });
}

/** Ends a session: all its ephemeral nodes go in this one transaction (invariant 11). */
export function endSession(draft: Draft, session: SessionRecord, context: Context): void {
  for (const path of [...draft.ephemerals(session.id)].sort()) {
    const meta = draft.node(path);
    if (meta !== null && meta.ephemeralOwner === session.id) removeNode(draft, path, meta, context);
  }
  count(draft, { sessions: -1 }, context.limits);
  putSession(draft, { ...session, ended: Math.max(1, context.time) });
}

/** Drops the kept results of a session that ended; a living one is left alone. */
export function forgetSession(draft: Draft, session: SessionRecord): void {
  draft.set('session', String(session.id), null);
  draft.set('nonce', session.nonce, null);
  draft.effects.push({ type: 'forget', session: session.id, nonce: session.nonce });
}

/**
 * addAuth: digest with `user:password` (ZooKeeper takes it without a password, too). The schemes that say something of
 * a connection (ip, x509) are given by the gateway that has the connection, never claimed by a client. Returns what the
 * session is authenticated as by it.
 *
 * @throws Refusal AuthFailed
 */
export function addIdentity(
  draft: Draft,
  session: SessionRecord,
  scheme: string,
  auth: Uint8Array,
  superDigest: string | undefined,
): readonly Identity[] {
  const text = Buffer.from(auth).toString('utf8');
  if (scheme !== 'digest') throw new Refusal('AuthFailed');
  const id = digestIdentity(text);
  const added: Identity[] = [{ scheme, id }];
  if (superDigest !== undefined && id === superDigest) added.push({ scheme: 'super', id: '' });
  const isNew = (identity: Identity) =>
    !session.identities.some((known) => known.scheme === identity.scheme && known.id === identity.id);
  const identities = [...session.identities, ...added.filter(isNew)];
  if (identities.length > MAX_IDENTITIES) throw new Refusal('AuthFailed');
  if (identities.length !== session.identities.length) putSession(draft, { ...session, identities });
  return added;
}
