import { type CommittedMessage, encode, type subjects } from '@faaskeeper/protocol';
import { BOUNDS } from '../bounds.ts';
import { coalesce, publicChanges } from '../coalesce.ts';
import type { LogEntry } from '../log-entry.ts';

/**
 * Tells watchers what a batch has changed, before the distributor makes it visible: the same message for each changed
 * node. None where a part of it is not for everyone, or only the stored object can say so, or it is too much.
 */
export function committedMessages(
  entry: LogEntry,
  names: Pick<ReturnType<typeof subjects>, 'change'>,
): { subject: string; payload: Uint8Array }[] {
  const effects = entry.transactions.reduce((sum, transaction) => sum + transaction.effects.length, 0);
  // A node more than that is two effects: its own and its parent's.
  if (effects === 0 || effects > 2 * BOUNDS.committedNodes) return [];
  const nodes = [...coalesce([entry]).values()];
  if (nodes.length > BOUNDS.committedNodes) return [];
  const changes: CommittedMessage['changes'] = [];
  for (const node of nodes) {
    // Of a node that was protected, the deletion carries the ACL; a change of the ACL does not say what was before it.
    if (publicChanges(node, true).length < node.changes.length) return [];
    for (const { zxid, index, kind } of node.changes) {
      if (kind === 'acl') return [];
      changes.push({ path: node.path, zxid, index, kind });
    }
  }
  if (changes.length === 0) return [];
  const { zxidBefore: previous, zxid } = entry;
  const payload = encode({ previous, zxid, changes } satisfies CommittedMessage);
  return nodes.flatMap((node) => {
    const subject = node.changes.length === 0 ? undefined : names.change(node.path);
    return subject === undefined ? [] : [{ subject, payload }];
  });
}
