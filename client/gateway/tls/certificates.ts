import { constants, createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import { BOUNDS } from '../bounds.ts';

export const CLIENT_AUTH = ['none', 'want', 'need'] as const;
/** ZooKeeper's ssl.clientAuth: whether a client must or may show a certificate. One that is shown must be right. */
export type ClientAuth = (typeof CLIENT_AUTH)[number];

/** Where the certificates are: files in PEM. */
export interface TlsFiles {
  /** The server's certificate, and those between it and its authority. */
  readonly cert: string;
  readonly key: string;
  /** The authorities of the clients. */
  readonly ca?: string | undefined;
  readonly clientAuth: ClientAuth;
}

/** What the files hold cannot be used; the message says which file and why. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

interface Loaded {
  readonly digest: string;
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
}

type Log = Pick<Logger, 'info' | 'warn'>;

/** The certificates of the TLS ports. They follow their files: what cannot be used is told of, and what was in use stays. */
export class Certificates {
  readonly clientAuth: ClientAuth;
  readonly #files: TlsFiles;
  readonly #log: Log;
  readonly #listeners = new Set<() => void>();
  #loaded: Loaded;
  /** Of the newest attempt, so that each failure is told of once. */
  #tried: string;
  #timer: NodeJS.Timeout | undefined;

  private constructor(files: TlsFiles, log: Log, loaded: Loaded) {
    this.clientAuth = files.clientAuth;
    this.#files = files;
    this.#log = log;
    this.#loaded = loaded;
    this.#tried = loaded.digest;
  }

  /** @throws CertificateError */
  static async load(files: TlsFiles, log: Log): Promise<Certificates> {
    const texts = await readAll(files);
    const certificates = new Certificates(files, log, loadedOf(files, texts));
    certificates.#tell('TLS certificate loaded');
    certificates.#timer = setInterval(() => void certificates.#look(), BOUNDS.certificateCheck);
    certificates.#timer.unref();
    return certificates;
  }

  /** For new connections. */
  get context(): SecureContext {
    return this.#loaded.context;
  }

  get options(): SecureContextOptions {
    return this.#loaded.options;
  }

  /** Calls `changed` when other certificates are in use. */
  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
  }

  /** Contents, not dates or inodes: Kubernetes swaps links to directories, others write in place. */
  async #look(): Promise<void> {
    let tried = 'unreadable';
    try {
      const texts = await readAll(this.#files);
      tried = digestOf(texts);
      if (tried === this.#tried) return;
      this.#loaded = loadedOf(this.#files, texts);
      this.#tried = tried;
      this.#tell('TLS certificate replaced');
      for (const changed of this.#listeners) changed();
    } catch (error) {
      if (tried === this.#tried) return;
      this.#tried = tried;
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn({ reason }, 'the new TLS files cannot be used; the certificates from before stay');
    }
  }

  #tell(message: string): void {
    const { subject, subjectAltName, validTo } = new X509Certificate(this.#loaded.options.cert as string);
    const about = { subject: subject?.replaceAll('\n', ', '), names: subjectAltName, validTo };
    if (Date.parse(validTo) < Date.now()) this.#log.warn(about, `${message}, but it has expired`);
    else this.#log.info(about, message);
  }
}

interface Texts {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

async function readAll({ cert, key, ca }: TlsFiles): Promise<Texts> {
  const read = async (flag: string, path: string) => {
    try {
      return await readFile(path, 'utf8');
    } catch (cause) {
      throw new CertificateError(`--${flag}: ${(cause as Error).message}`, { cause });
    }
  };
  const texts = { cert: await read('tls-cert', cert), key: await read('tls-key', key) };
  return ca === undefined ? texts : { ...texts, ca: await read('tls-ca', ca) };
}

function digestOf({ cert, key, ca = '' }: Texts): string {
  return createHash('sha256')
    .update(JSON.stringify([cert, key, ca]))
    .digest('hex');
}

function loadedOf(files: TlsFiles, texts: Texts): Loaded {
  // OpenSSL takes a file without any certificate for an empty list.
  requireCertificates('tls-cert', files.cert, texts.cert);
  if (texts.ca !== undefined) requireCertificates('tls-ca', files.ca ?? '', texts.ca);
  const options: SecureContextOptions = {
    ...texts,
    minVersion: BOUNDS.tlsVersion,
    // Nothing is resumed: each connection is judged by the certificates that are in use when it comes.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
  try {
    return { digest: digestOf(texts), options, context: createSecureContext(options) };
  } catch (cause) {
    throw new CertificateError(`--tls-cert ${files.cert}, --tls-key ${files.key}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function requireCertificates(flag: string, path: string, text: string): void {
  const blocks = text.match(PEM_CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new CertificateError(`--${flag}: ${path} holds no certificate in PEM`);
  for (const block of blocks) {
    try {
      new X509Certificate(block);
    } catch (cause) {
      throw new CertificateError(`--${flag}: ${path}: ${(cause as Error).message}`, { cause });
    }
  }
}
