export type ProbedServer = 'nats' | 'redis' | 's3';

/** What was found out about one server. */
export interface ServerReport {
  readonly server: ProbedServer;
  /** It can be used. A reason other than OK then names what could be better. */
  readonly ok: boolean;
  /** CamelCase, for a condition. */
  readonly reason: string;
  /** What was found, and what to do. */
  readonly message: string;
}

/** One thing that was found; `fatal`: the server cannot be used like this. */
export interface Finding {
  readonly fatal: boolean;
  readonly reason: string;
  readonly message: string;
}

export const OK = 'OK';

/** The worst finding gives the reason; all are told. */
export function reportOf(server: ProbedServer, summary: string, findings: readonly Finding[]): ServerReport {
  const [first] = [...findings].sort((one, other) => Number(other.fatal) - Number(one.fatal));
  if (first === undefined) return { server, ok: true, reason: OK, message: summary };
  const message = [...new Set([first, ...findings])].map((finding) => finding.message).join(' ');
  return { server, ok: !first.fatal, reason: first.reason, message: `${summary} ${message}` };
}

/** A server that does not answer, or does not let us in. */
export function unreachable(server: ProbedServer, where: string, error: unknown): ServerReport {
  const why = reasonsOf(error).replace(/\.+$/, '');
  const title = { nats: 'NATS', redis: 'Redis', s3: 'The S3 store' }[server];
  if (/certificate|self.signed|issuer|CERT_|ERR_TLS/i.test(why)) {
    const message = `${title} at ${where} shows a certificate that is not trusted: ${why}. Give its CA (caBundle).`;
    return { server, ok: false, reason: 'CertificateNotTrusted', message };
  }
  if (/auth|WRONGPASS|NOPERM|InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|password/i.test(why)) {
    const message = `${title} at ${where} does not take the credentials: ${why}. Check the Secret that holds them.`;
    return { server, ok: false, reason: 'CredentialsRefused', message };
  }
  const message = `${title} at ${where} does not answer: ${why}. Check the address, and that it runs.`;
  return { server, ok: false, reason: 'Unreachable', message };
}

/** The messages of an error and its causes; AggregateErrors of Node have none of their own. */
function reasonsOf(error: unknown): string {
  const texts: string[] = [];
  for (let one = error; one instanceof Error && texts.length < 4; one = one.cause) {
    const parts = one instanceof AggregateError ? one.errors.map((part: Error) => part.message) : [];
    const text = [one.message || one.name, ...parts].filter((part) => part !== '').join(', ');
    if (!texts.some((known) => known.includes(text))) texts.push(text);
  }
  return texts.join(': ') || String(error);
}

export class LateError extends Error {
  override name = 'LateError';
}

/** The work's outcome, or LateError after `ms`. */
export async function inTime<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateError(`no answer within ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

/** -1, 0 or 1, comparing the numbers of `1.2.3` in turn; what follows them does not count. */
export function compareVersions(one: string, other: string): number {
  const parts = (version: string) =>
    (/^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? []).slice(1).map((part) => Number(part ?? 0));
  const [first, second] = [parts(one), parts(other)];
  for (let i = 0; i < 3; i++) {
    const difference = (first[i] ?? 0) - (second[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
