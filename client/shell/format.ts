import type { Stat } from '@faaskeeper/protocol';
import type { SessionState } from '../session/states.ts';
import type { WatchEvent } from '../watches/events.ts';

export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Java's Date.toString, in local time: `Mon Nov 23 22:02:21 UTC 2026`. */
export function formatTime(ms: number): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    weekday: 'short',
    month: 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
    year: 'numeric',
  }).formatToParts(ms);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((candidate) => candidate.type === type)?.value ?? '';
  const time = `${part('hour')}:${part('minute')}:${part('second')}`;
  return `${part('weekday')} ${part('month')} ${part('day')} ${time} ${part('timeZoneName')} ${part('year')}`;
}

/** zkCli's eleven lines. */
export function formatStat(stat: Stat): string {
  return [
    `cZxid = ${hex(stat.czxid)}`,
    `ctime = ${formatTime(stat.ctime)}`,
    `mZxid = ${hex(stat.mzxid)}`,
    `mtime = ${formatTime(stat.mtime)}`,
    `pZxid = ${hex(stat.pzxid)}`,
    `cversion = ${stat.cversion}`,
    `dataVersion = ${stat.version}`,
    `aclVersion = ${stat.aversion}`,
    `ephemeralOwner = ${hex(stat.ephemeralOwner)}`,
    `dataLength = ${stat.dataLength}`,
    `numChildren = ${stat.numChildren}`,
  ].join('\n');
}

/** `[a, b]`, as Java prints a list. */
export function formatList(names: readonly string[]): string {
  return `[${names.join(', ')}]`;
}

/** Data as zkCli prints it: `null` for none. */
export function formatData(data: Uint8Array | null): string {
  return data === null ? 'null' : Buffer.from(data).toString('utf8');
}

/** Data in JSON: a string if it is valid UTF-8, else `{ "base64": … }`. */
export function jsonData(data: Uint8Array | null): string | null | { readonly base64: string } {
  if (data === null) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return { base64: Buffer.from(data).toString('base64') };
  }
}

const DUMP_RULE = '-'.repeat(49);

/** Netty's ByteBufUtil.prettyHexDump, which `get -x` of zkCli prints. */
export function hexDump(data: Uint8Array): string {
  const lines = [
    `         +${DUMP_RULE}+`,
    '         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |',
    `+--------+${DUMP_RULE}+----------------+`,
  ];
  for (let at = 0; at < data.length; at += 16) {
    const row = [...data.subarray(at, at + 16)];
    const bytes = row.map((byte) => ` ${byte.toString(16).padStart(2, '0')}`).join('');
    const text = row.map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`|${at.toString(16).padStart(8, '0')}|${bytes.padEnd(48)} |${text.padEnd(16)}|`);
  }
  return [...lines, `+--------+${DUMP_RULE}+----------------+`].join('\n');
}

/** ZooKeeper's names of what a watcher hears about the connection. */
const KEEPER_STATES: Readonly<Record<SessionState, string>> = {
  connecting: 'Disconnected',
  connected: 'SyncConnected',
  suspended: 'Disconnected',
  expired: 'Expired',
  closed: 'Closed',
};

/** Java's WatchedEvent.toString. */
export function formatEvent({ state, type, path, zxid }: WatchEvent): string {
  return `WatchedEvent state:${KEEPER_STATES[state]} type:${type} path:${path} zxid: ${zxid}`;
}

export function formatStateEvent(state: SessionState): string {
  return `WatchedEvent state:${KEEPER_STATES[state]} type:None path:null zxid: -1`;
}

/** The state in the prompt, as zkCli writes it. */
export function promptState(state: SessionState): string {
  if (state === 'connected') return 'CONNECTED';
  return state === 'connecting' || state === 'suspended' ? 'CONNECTING' : 'CLOSED';
}
