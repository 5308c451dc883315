import {
  encode,
  LIMITS,
  type Mail,
  mailboxOf,
  type Reply,
  type SealedMessage,
  seal,
  subjects,
} from '@faaskeeper/protocol';
import type { Notifications } from '../ports.ts';
import { type Addressee, type PendingReply, sameBytes } from '../transactions/index.ts';

/** Sends to one attachment what only it may read; the subject is derived, never named by a client (invariant 13). */
export function send(notifications: Notifications, instance: string, to: Addressee, message: SealedMessage): void {
  const body = seal(to.key, encode(message));
  notifications.publish(subjects(instance).session(to.token), encode({ type: 'sealed', body }));
}

/** Replies of one attachment, as many as fit one message. */
interface Group {
  readonly to: Addressee;
  readonly replies: Reply[];
  bytes: number;
}

/** Letters to attachments of one mailbox. */
interface Sack {
  readonly mailbox: string;
  readonly key: Uint8Array;
  letters: Mail['letters'];
  bytes: number;
}

/**
 * One message for all replies of an attachment, in order, unless they are too many or too large for one; and one message
 * for all attachments of a mailbox.
 */
export function sendReplies(notifications: Notifications, instance: string, replies: readonly PendingReply[]): void {
  const byToken = new Map<string, Group>();
  const sacks = new Map<string, Sack>();
  const flush = (group: Group) => put(notifications, instance, sacks, group);
  for (const { to, reply } of replies) {
    const bytes = roughSize(reply.result);
    let group = byToken.get(to.token);
    if (
      group !== undefined &&
      (group.bytes + bytes > LIMITS.requestBytes || group.replies.length >= LIMITS.requestsPerMessage)
    ) {
      flush(group);
      group = undefined;
    }
    if (group === undefined) {
      group = { to, replies: [], bytes: 0 };
      byToken.set(to.token, group);
    }
    group.replies.push(reply);
    group.bytes += bytes;
  }
  for (const group of byToken.values()) flush(group);
  for (const sack of sacks.values()) carry(notifications, instance, sack);
}

function put(notifications: Notifications, instance: string, sacks: Map<string, Sack>, group: Group): void {
  const { to, replies, bytes } = group;
  const message = { type: 'replies', generation: to.generation, replies } as const;
  const mailbox = mailboxOf(to.token);
  let sack = mailbox === undefined ? undefined : sacks.get(mailbox);
  if (mailbox === undefined || (sack !== undefined && !sameBytes(sack.key, to.key))) {
    send(notifications, instance, to, message);
    return;
  }
  if (sack !== undefined && sack.bytes + bytes > LIMITS.requestBytes) {
    carry(notifications, instance, sack);
    sack = undefined;
  }
  if (sack === undefined) {
    sack = { mailbox, key: to.key, letters: [], bytes: 0 };
    sacks.set(mailbox, sack);
  }
  sack.letters.push({ to: to.token.slice(mailbox.length + 1), message });
  sack.bytes += bytes;
}

function carry(notifications: Notifications, instance: string, { mailbox, key, letters }: Sack): void {
  notifications.publish(subjects(instance).session(mailbox), seal(key, encode({ letters })));
}

function roughSize(result: unknown): number {
  if (Array.isArray(result)) return 64 + result.length * 256;
  if (typeof result !== 'object' || result === null) return 64;
  const { data, children } = result as { data?: Uint8Array | null; children?: string[] };
  return 256 + (data?.length ?? 0) + (children?.reduce((sum, name) => sum + name.length + 3, 0) ?? 0);
}
