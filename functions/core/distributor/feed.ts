import {
  ancestors,
  type ChangeMessage,
  countDigest,
  encode,
  encodeWatermarkEntries,
  feedDigest,
  LIMITS,
  protectedDigest,
  type subjects,
  type Watermark,
} from '@faaskeeper/protocol';
import type { Change, NodeChange } from '../coalesce.ts';

/** What became of a node, and those of its changes that any client may hear of. */
export interface SeenChange {
  readonly node: Pick<NodeChange, 'path' | 'zxid' | 'changes'>;
  readonly changes: readonly Change[];
}

interface Message {
  readonly subject: string;
  readonly payload: Uint8Array;
}

/** One message a node; none where the path is too long for a subject: the watermark's digests still tell. */
export function changeMessages(seen: readonly SeenChange[], names: ReturnType<typeof subjects>): Message[] {
  const messages: Message[] = [];
  for (const { node, changes } of seen) {
    const subject = changes.length === 0 ? undefined : names.change(node.path);
    if (subject === undefined) continue;
    const told = changes.map(({ zxid, index, kind }) => ({ zxid, index, kind }));
    messages.push({ subject, payload: encode({ path: node.path, changes: told } satisfies ChangeMessage) });
  }
  return messages;
}

/** For nodes of which some changes are not for everyone: all changes, on subjects where no client may listen. */
export function systemMessages(seen: readonly SeenChange[], names: ReturnType<typeof subjects>): Message[] {
  const messages: Message[] = [];
  for (const { node, changes } of seen.filter(isPartlyHidden)) {
    const subject = names.system.change(node.path);
    if (subject === undefined) continue;
    const told = node.changes
      // A deletion of which nobody can say who may hear is left to the digests.
      .filter((change) => changes.includes(change) || change.kind === 'acl' || change.acl !== undefined)
      .map((change) => {
        const { zxid, index, kind, acl } = change;
        const bare = { zxid, index, kind };
        return changes.includes(change) || acl === undefined ? bare : { ...bare, acl: [...acl] };
      });
    messages.push({ subject, payload: encode({ path: node.path, changes: told } satisfies ChangeMessage) });
  }
  return messages;
}

/** What a watermark lists (invariant 7); null beyond LIMITS.watermarkEntries. */
export function watermarkOf(seen: readonly SeenChange[], range: { zxid: number; previous: number }): Watermark {
  return { ...range, entries: entriesOf(seen, false) };
}

/** The system's own watermark, which also lists what systemMessages tell; undefined: it is the same. */
export function systemWatermarkOf(
  seen: readonly SeenChange[],
  range: { zxid: number; previous: number },
): Watermark | undefined {
  return seen.some(isPartlyHidden) ? { ...range, entries: entriesOf(seen, true) } : undefined;
}

function isPartlyHidden({ node, changes }: SeenChange): boolean {
  return changes.length < node.changes.length;
}

/** What recursive watches tell. */
function isToldBelow({ kind }: Change): boolean {
  return kind === 'created' || kind === 'deleted' || kind === 'data';
}

function entriesOf(seen: readonly SeenChange[], withHidden: boolean): Uint8Array | null {
  if (seen.length > LIMITS.watermarkEntries) return null;
  const entries = new Map<bigint, number>();
  const note = (digest: bigint, zxid: number) => {
    const known = entries.get(digest);
    if (known === undefined || known < zxid) entries.set(digest, zxid);
  };
  const [open, hidden] = [new Map<string, number>(), new Map<string, number>()];
  const noteAbove = (
    node: string,
    zxid: number | undefined,
    counts: Map<string, number>,
    digest: typeof feedDigest,
  ) => {
    if (zxid === undefined) return;
    for (const path of [node, ...ancestors(node)]) {
      note(digest(path, true), zxid);
      counts.set(path, (counts.get(path) ?? 0) + 1);
    }
  };
  for (const { node, changes } of seen) {
    note(feedDigest(node.path), node.zxid);
    noteAbove(node.path, changes.findLast(isToldBelow)?.zxid, open, feedDigest);
    if (withHidden && changes.length < node.changes.length) {
      note(protectedDigest(node.path), node.zxid);
      const last = node.changes.findLast((change) => isToldBelow(change) && !changes.includes(change));
      noteAbove(node.path, last?.zxid, hidden, protectedDigest);
    }
    if (entries.size > LIMITS.watermarkEntries) return null;
  }
  // One message is there or not; of several, some may be.
  for (const [path, count] of open) if (count > 1) note(countDigest(path), count);
  for (const [path, count] of hidden) if (count > 1) note(countDigest(path, true), count);
  return entries.size > LIMITS.watermarkEntries ? null : encodeWatermarkEntries(entries);
}
