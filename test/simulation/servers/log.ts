import { type AppendOutcome, type Log, type LogMessage, LogTrimmedError } from '../../../functions/core/ports.ts';
import type { Link } from '../network.ts';

export interface LoggedMessage extends LogMessage {
  /** When it was appended, ms. */
  readonly time: number;
}

/** The LOG stream. `all` is what the judge sees: everything ever appended, also what has been trimmed. */
export class SimLogServer {
  readonly all: LoggedMessage[] = [];
  first = 1;
  /** A leader that was deposed and does not know: it refuses appends and shows the past up to this sequence. */
  deposed: number | undefined;
  /** Somebody listens for new messages. */
  onAppend: () => void = () => undefined;
  /** ... or a scenario. */
  appended: (sequence: number) => void = () => undefined;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  get last(): number {
    return this.all.length;
  }

  append(payload: Uint8Array, expectedLast: number): AppendOutcome {
    if (expectedLast !== this.last)
      return { outcome: 'refused', cause: new Error(`wrong last sequence: ${this.last}`) };
    const sequence = this.last + 1;
    this.all.push({ sequence, payload: payload.slice(), time: this.#now() });
    this.onAppend();
    this.appended(sequence);
    return { outcome: 'appended', sequence };
  }

  read(from: number, messages: number, upTo: number): LogMessage[] {
    if (from < this.first) throw new LogTrimmedError(`LOG begins at ${this.first}`);
    return this.all.slice(from - 1, Math.min(from - 1 + messages, upTo));
  }

  trim(sequence: number): void {
    this.first = Math.max(this.first, Math.min(sequence, this.last) + 1);
  }
}

/** How a process reaches it. */
export function simLog(link: Link, server: SimLogServer): Log {
  const { chance } = link.process;
  // Some calls reach the deposed leader, while there is one.
  const stale = () => (server.deposed !== undefined && chance.happens(0.5) ? server.deposed : undefined);
  return {
    async append(payload, expectedLast, signal) {
      try {
        return await link.call(
          'append',
          () =>
            stale() === undefined
              ? server.append(payload, expectedLast)
              : ({ outcome: 'refused', cause: new Error('a deposed leader') } as const),
          signal,
        );
      } catch (cause) {
        return { outcome: 'unknown', cause };
      }
    },
    read: (from, messages, signal) =>
      link.call('read LOG', () => server.read(from, messages, stale() ?? server.last), signal),
    bounds: (signal) =>
      link.call(
        'bounds',
        () => ({ first: server.first, last: Math.max(stale() ?? server.last, server.first - 1) }),
        signal,
      ),
    trim: (sequence) => link.call('trim', () => server.trim(sequence)),
  };
}
