import { type ChangeMessage, type CommittedMessage, encode, type Identity } from '@faaskeeper/protocol';
import type { Messaging } from '../../../client/ports.ts';
import { knownOf, type WatchEvent } from '../../../client/watches/events.ts';
import { Watches } from '../../../client/watches/watches.ts';

/**
 * Watches of a session that hears what the test says, from watermark `watermark` on. `identities`: who it is; undefined: a
 * client that reads directly.
 */
export function heardWatches({
  watermark,
  identities,
}: {
  watermark: number;
  identities?: readonly Identity[] | undefined;
}) {
  const handlers = new Map<string, (payload: Uint8Array) => void>();
  const messaging = {
    subscribe: (subject: string, handler: (payload: Uint8Array) => void) => {
      handlers.set(subject, handler);
      return { close: () => handlers.delete(subject) };
    },
  } as unknown as Messaging;
  const session = { watermark, seen: -1, mayAnticipate: true };
  const watches = new Watches({
    messaging,
    instance: 'i',
    watermark: () => session.watermark,
    state: () => 'connected',
    onTell: () => undefined,
    see: (zxid) => {
      session.seen = zxid;
    },
    mayAnticipate: () => session.mayAnticipate,
    toUser: (path) => path,
    identities: identities && (() => identities),
  });
  const told: string[] = [];
  const callback = ({ type, path, zxid }: WatchEvent) => void told.push(`${type} ${path} ${zxid}`);
  const watch = (path: string, kind: 'data' | 'persistent' | 'persistentRecursive') => {
    watches.prepare(path, kind === 'persistentRecursive');
    watches.arm(path, kind, callback, knownOf(session.watermark, undefined));
    watches.release(path, kind === 'persistentRecursive');
  };
  const hear = (subject: string, message: ChangeMessage | CommittedMessage) => handlers.get(subject)?.(encode(message));
  /** The watermark comes, with what it lists: [digest, zxid]. */
  const step = (zxid: number, ...entries: [bigint, number][]) => {
    const { nodes, recursive } = watches.lacking({ zxid, entries: new Map(entries), exact: true });
    watches.fire(zxid);
    session.watermark = zxid;
    return { nodes: nodes.map(({ path }) => path), recursive };
  };
  return { watches, session, told, watch, hear, step, subjects: () => [...handlers.keys()].sort() };
}
