import { createHash } from 'node:crypto';
import { LIMITS } from './limits.ts';

/** An instance id: opaque, never the resource's name (invariant 13). */
export const INSTANCE_ID = /^[a-z0-9]{1,32}$/;

/**
 * NATS subjects of an instance. A client may publish below `req` and `beat` and subscribe below `out`; all else is the
 * system's.
 */
export function subjects(instance: string): Subjects {
  let known = SUBJECTS.get(instance);
  if (known === undefined) {
    if (SUBJECTS.size >= SUBJECTS_ENTRIES) SUBJECTS.clear();
    known = subjectsOf(instance);
    SUBJECTS.set(instance, known);
  }
  return known;
}

/** Sessions of one instance share them. */
const SUBJECTS = new Map<string, Subjects>();
const SUBJECTS_ENTRIES = 1_024;
export type Subjects = ReturnType<typeof subjectsOf>;

function subjectsOf(instance: string) {
  const root = `fk.${instance}`;
  return {
    /** Requests of a session; `new` for createSession. */
    request: (session: number | 'new') => `${root}.req.${session}`,
    requests: `${root}.req.>`,
    /** Requests that the system makes: clients cannot publish here. */
    systemRequest: `${root}.sys.req`,
    beat: (session: number) => `${root}.beat.${session}`,
    beats: `${root}.beat.*`,
    /** Everything for one attachment of a session: replies, pings, answers to beats. */
    session: (token: string) => `${root}.out.s.${token}`,
    watermark: `${root}.out.w`,
    /** Changes of one node, or undefined for a path too long to be a subject. */
    change: (path: string) => boundedSubject(`${root}.out.c${pathTokens(path)}`),
    /** All changes below a node (not of the node itself). */
    changesBelow: (path: string) => boundedSubject(`${root}.out.c${pathTokens(path)}.>`),
    /** The same with nodes that not everyone may read: for those of the system who filter for their clients. */
    system: {
      watermark: `${root}.sys.w`,
      change: (path: string) => boundedSubject(`${root}.sys.c${pathTokens(path)}`),
      changesBelow: (path: string) => boundedSubject(`${root}.sys.c${pathTokens(path)}.>`),
    },
    log: `${root}.log`,
    /** Changes for one registered sink. */
    sink: (registration: string) => `${root}.sink.${registration}`,
    sinks: `${root}.sink.*`,
    /** Dead letters, by where they come from: `request`, `sink`. */
    dead: (origin: string) => `${root}.dead.${origin}`,
    deads: `${root}.dead.*`,
    /** Where the heartbeat function hears the answers to its pings: beats. */
    streams: { request: `REQ_${instance}`, log: `LOG_${instance}`, sink: `SINK_${instance}`, dead: `DEAD_${instance}` },
  } as const;
}

/**
 * The token that names an attachment's subject. It is derived from the nonce, so the system never publishes to a
 * subject of the client's choosing. Attachments of one mailbox have subjects below that of the mailbox.
 */
export function sessionToken(nonce: Uint8Array, mailbox?: Uint8Array): string {
  const own = createHash('sha256').update(nonce).digest('hex').slice(0, 32);
  return mailbox === undefined ? own : `${sessionToken(mailbox)}.${own}`;
}

/** The part of an attachment's token that names its mailbox, if it has one. */
export function mailboxOf(token: string): string | undefined {
  const end = token.indexOf('.');
  return end < 0 ? undefined : token.slice(0, end);
}

function boundedSubject(subject: string): string | undefined {
  return subject.length > LIMITS.subjectBytes ? undefined : subject;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly what NATS does not allow in a token
const NOT_PLAIN = /[\u0000-\u0020.*>%\u007f-\uffff]/u;

/** `/a/b.c` → `.a.b%2Ec`; the root → ``. Everything that NATS treats specially, and all non-ASCII, is escaped. */
function pathTokens(path: string): string {
  if (path === '/') return '';
  const tokens = path.replaceAll('/', '\u0001');
  const escaped = NOT_PLAIN.test(tokens.replaceAll('\u0001', '')) ? escapeTokens(tokens) : tokens;
  return escaped.replaceAll('\u0001', '.');
}

function escapeTokens(tokens: string): string {
  let escaped = '';
  for (const byte of Buffer.from(tokens, 'utf8')) {
    const char = String.fromCharCode(byte);
    escaped +=
      char === '\u0001' || (byte < 0x7f && !NOT_PLAIN.test(char)) ? char : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return escaped;
}
