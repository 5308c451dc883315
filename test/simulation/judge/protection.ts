import { type ChangeKind, decodeAs, feedMessageSchema } from '@faaskeeper/protocol';
import type { History } from '../history.ts';
import type { Model } from '../model.ts';

/** Where any client may listen, nothing is told of a node that not everyone may read, before and after the change. */
export function judgeProtection(model: Model, { changes }: History, violations: string[]): void {
  const told = new Set<string>();
  for (const payload of changes) {
    const message = decodeAs(feedMessageSchema, payload, 'change');
    const changes =
      'path' in message ? message.changes.map((change) => ({ ...change, path: message.path })) : message.changes;
    for (const { path, zxid, kind } of changes) {
      if (isHidden(model, path, { zxid, kind })) told.add(`${kind} ${path} of ${zxid}`);
    }
  }
  for (const what of told) violations.push(`Everyone was told: ${what}, although not everyone may read it`);
}

function isHidden(model: Model, path: string, { zxid, kind }: { zxid: number; kind: ChangeKind }): boolean {
  const versions = model.versions(path);
  const before = versions.findLast((version) => version.zxid < zxid);
  const after = versions.findLast((version) => version.zxid <= zxid);
  return after?.readable === false || (kind !== 'created' && before?.readable === false);
}
