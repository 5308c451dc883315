import type { SinkEvent } from '../invocations.ts';
import type { Sinks } from '../ports.ts';

/** Types of the CloudEvents that sinks receive, by what happened. */
export const WATCH_EVENT_TYPES = {
  created: 'io.faaskeeper.node.created',
  deleted: 'io.faaskeeper.node.deleted',
  data: 'io.faaskeeper.node.data-changed',
  children: 'io.faaskeeper.node.children-changed',
} as const satisfies Record<SinkEvent['kind'], string>;

export type SinkCloudEvent = Parameters<Sinks['post']>[1];

/** The CloudEvent of a change; see docs/watch-function.md. A repetition has the same id. */
export function eventOf(instance: string, change: SinkEvent): SinkCloudEvent {
  const { registration, path, kind, zxid, time } = change;
  return {
    id: `${registration}-${zxid}-${kind}-${pathMark(path)}`,
    type: WATCH_EVENT_TYPES[kind],
    source: `/faaskeeper/${instance}`,
    subject: path,
    time: new Date(time).toISOString(),
    extensions: { zxid, registration },
    data: { path, kind, zxid, registration },
  };
}

/** One transaction may change many nodes below a recursive watch: FNV-1a of the path tells their events apart. */
function pathMark(path: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(path, 'utf8')) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}
