import { encode, LIMITS, type Reply, type SealedMessage, seal, subjects } from '@faaskeeper/protocol';
import type { Notifications } from '../ports.ts';
import type { Addressee, PendingReply } from '../transactions/index.ts';

/** Sends to one attachment what only it may read; the subject is derived, never named by a client (invariant 13). */
export function send(notifications: Notifications, instance: string, to: Addressee, message: SealedMessage): void {
  const body = seal(to.key, encode(message));
  notifications.publish(subjects(instance).session(to.token), encode({ type: 'sealed', body }));
}

/** One message for all replies of an attachment, in order, unless they are too many or too large for one. */
export function sendReplies(notifications: Notifications, instance: string, replies: readonly PendingReply[]): void {
  const byToken = new Map<string, { to: Addressee; replies: Reply[]; bytes: number }>();
  const flush = ({ to, replies: list }: { to: Addressee; replies: Reply[] }) =>
    send(notifications, instance, to, { type: 'replies', generation: to.generation, replies: list });
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
}

function roughSize(result: unknown): number {
  if (Array.isArray(result)) return 64 + result.length * 256;
  if (typeof result !== 'object' || result === null) return 64;
  const { data, children } = result as { data?: Uint8Array | null; children?: string[] };
  return 256 + (data?.length ?? 0) + (children?.reduce((sum, name) => sum + name.length + 3, 0) ?? 0);
}
