import {
  ancestors,
  type ChangeMessage,
  encode,
  encodeWatermarkEntries,
  feedDigest,
  LIMITS,
  type subjects,
  type Watermark,
} from '@faaskeeper/protocol';
import type { Change, NodeChange } from './coalesce.ts';

/** What became of a node, and the changes that any client may hear of. */
export interface SeenChange {
  readonly node: Pick<NodeChange, 'path' | 'zxid'>;
  readonly changes: readonly Change[];
}

/** One message a node; none where the path is too long for a subject: the watermark's digests still tell. */
export function changeMessages(
  seen: readonly SeenChange[],
  names: ReturnType<typeof subjects>,
): { subject: string; payload: Uint8Array }[] {
  const messages: { subject: string; payload: Uint8Array }[] = [];
  for (const { node, changes } of seen) {
    const subject = changes.length === 0 ? undefined : names.change(node.path);
    if (subject === undefined) continue;
    const told = changes.map(({ zxid, index, kind }) => ({ zxid, index, kind }));
    messages.push({ subject, payload: encode({ path: node.path, changes: told } satisfies ChangeMessage) });
  }
  return messages;
}

/** What a watermark lists (invariant 7); null beyond LIMITS.watermarkEntries. */
export function watermarkOf(seen: readonly SeenChange[], range: { zxid: number; previous: number }): Watermark {
  return { ...range, entries: entriesOf(seen) };
}

function entriesOf(seen: readonly SeenChange[]): Uint8Array | null {
  if (seen.length > LIMITS.watermarkEntries) return null;
  const entries = new Map<bigint, number>();
  const note = (digest: bigint, zxid: number) => {
    const known = entries.get(digest);
    if (known === undefined || known < zxid) entries.set(digest, zxid);
  };
  for (const { node, changes } of seen) {
    note(feedDigest(node.path), node.zxid);
    const last = changes.findLast(({ kind }) => kind === 'created' || kind === 'deleted' || kind === 'data');
    if (last !== undefined) {
      for (const path of [node.path, ...ancestors(node.path)]) note(feedDigest(path, true), last.zxid);
    }
    if (entries.size > LIMITS.watermarkEntries) return null;
  }
  return encodeWatermarkEntries(entries);
}
