/** Certificates for tests of TLS, made by openssl; each authority is a directory of its own. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Files in PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends AsyncDisposable {
  readonly dir: string;
  /** Its own certificate. */
  readonly ca: string;
  /** A certificate for `/CN=name/O=…`, for these host names if it is a server's. */
  issue(file: string, subject: string, hosts?: readonly string[]): Promise<CertificateFiles>;
  /** As options of a TLS client; without a name it shows no certificate. */
  client(files?: CertificateFiles): Promise<{ ca: Buffer; cert?: Buffer; key?: Buffer }>;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export async function authority(): Promise<Authority> {
  const dir = await mkdtemp(join(tmpdir(), 'faaskeeper-tls-'));
  const openssl = (...args: readonly string[]) => promisify(execFile)('openssl', [...args], { cwd: dir });
  await openssl('req', '-x509', ...KEY, '-subj', '/CN=Test authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  const ca = join(dir, 'ca.pem');
  return {
    dir,
    ca,
    async issue(file, subject, hosts = []) {
      const [cert, key] = [`${file}.pem`, `${file}.key`];
      await openssl('req', '-new', ...KEY, '-utf8', '-subj', subject, '-keyout', key, '-out', `${file}.csr`);
      const names = hosts.length === 0 ? '' : `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}`;
      await writeFile(join(dir, `${file}.ext`), names);
      const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${file}.ext`];
      await openssl('x509', '-req', '-in', `${file}.csr`, ...signed, '-out', cert);
      return { cert: join(dir, cert), key: join(dir, key) };
    },
    async client(files) {
      const trusted = { ca: await readFile(ca) };
      if (files === undefined) return trusted;
      return { ...trusted, cert: await readFile(files.cert), key: await readFile(files.key) };
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}
