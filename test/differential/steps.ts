/** What a sequence consists of: plain data, so that it can be printed, shortened and run again. */
import type { Fields, OperationName } from '../support/zk-wire/index.ts';

/** In arguments, a string that begins with this is a path below the sequence's own root. */
export const rootMark = '~';
const quotas = '/zookeeper/quota';
/** A string that begins with this is where the quota of such a path is. */
export const quotaMark = quotas + rootMark;

export function withRoot(text: string, root: string): string {
  if (text.startsWith(quotaMark)) return quotas + root + text.slice(quotaMark.length);
  return text.startsWith(rootMark) ? root + text.slice(rootMark.length) : text;
}

export function withoutRoot(text: string, root: string): string {
  if (text.startsWith(quotas + root)) return quotaMark + text.slice(quotas.length + root.length);
  return text.startsWith(root) ? rootMark + text.slice(root.length) : text;
}

export interface Request {
  readonly op: OperationName;
  readonly args: Fields;
}

/**
 * `at` is the slot: a place for one session with one connection. A step finds its slot connected: a session that was
 * closed is replaced by a new one, one whose connection was lost is attached again.
 */
export type Step =
  | { readonly do: 'request'; readonly at: number; readonly request: Request }
  /** Sent in one write, without waiting. */
  | { readonly do: 'burst'; readonly at: number; readonly requests: readonly Request[] }
  | { readonly do: 'close'; readonly at: number }
  /** The connection breaks; the session stays. */
  | { readonly do: 'drop'; readonly at: number }
  /** A second connection takes the session over while the first is open. */
  | { readonly do: 'move'; readonly at: number }
  /** Somebody tries to attach with a wrong password. */
  | { readonly do: 'intrude'; readonly at: number }
  /** Somebody connects who has seen more than there is. */
  | { readonly do: 'future'; readonly at: number };

export const slotCount = 3;

export function describe(step: Step): string {
  const text = ({ op, args }: Request) => `${op}${JSON.stringify(args)}`;
  if (step.do === 'request') return `${step.at}: ${text(step.request)}`;
  if (step.do === 'burst') return `${step.at}: burst ${step.requests.map(text).join(' ')}`;
  return `${step.at}: ${step.do}`;
}
