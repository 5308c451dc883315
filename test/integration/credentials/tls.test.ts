/** Servers whose certificates only the binding's ca.crt vouches for. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNats, s3Reader } from '../../../client/transport/index.ts';
import { probeNats, probeS3 } from '../../../operator/probes/index.ts';
import { findServer, freePorts, loopback, ManagedProcess } from '../../../operator/servers/index.ts';
import { has } from '../../support/programs.ts';

(has('openssl', 'version') ? describe : describe.skip)('with a certificate of our own', () => {
  let dir: string;
  let ca: string;
  let key: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'faaskeeper-tls-'));
    // nats.js compares with `localhost` where it is given an IP address.
    const names = ['-subj', '/CN=test', '-addext', `subjectAltName=DNS:localhost,IP:${loopback}`];
    const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'cert.pem', '-days', '2'];
    execFileSync('openssl', ['req', '-x509', ...made, ...names], { cwd: dir, stdio: 'pipe' });
    ca = await readFile(join(dir, 'cert.pem'), 'utf8');
    key = await readFile(join(dir, 'key.pem'), 'utf8');
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test('NATS', async () => {
    const [port] = (await freePorts(1)) as [number];
    const tls = `tls { cert_file: "${dir}/cert.pem", key_file: "${dir}/key.pem" }`;
    await writeFile(join(dir, 'nats.conf'), `listen: "${loopback}:${port}"\n${tls}\n`);
    const url = `tls://${loopback}:${port}`;
    await using server = new ManagedProcess({
      title: 'NATS with TLS',
      command: (await findServer('nats', {})).path,
      args: ['--config', join(dir, 'nats.conf')],
      host: loopback,
      port,
      logFile: join(dir, 'nats.log'),
      ready: async () => (await connectNats({ url, ca }, 'ready')).close(),
    });
    await server.start();
    const messaging = await connectNats({ url, ca }, 'one');
    expect(messaging.connected).toBe(true);
    await messaging.close();
    await expect(connectNats({ url }, 'one')).rejects.toMatchObject({ code: 'ConnectionLoss' });
    expect(await probeNats({ url })).toMatchObject({ ok: false, reason: 'CertificateNotTrusted' });
  });

  test('S3', async () => {
    const server = createServer({ cert: ca, key }, (_, response) => response.end('body'));
    await new Promise<void>((resolve) => server.listen(0, loopback, resolve));
    const store = {
      endpoint: `https://${loopback}:${(server.address() as AddressInfo).port}`,
      ...{ region: 'r', bucket: 'b', accessKeyId: 'k', secretAccessKey: 's' },
    };
    const reader = s3Reader({ ...store, prefix: 'i/', ca });
    expect(Buffer.from((await reader.get('i/a')) ?? []).toString()).toBe('body');
    const stranger = s3Reader({ ...store, prefix: 'i/' });
    await expect(stranger.get('i/a')).rejects.toThrow(/self-signed/);
    expect(await probeS3(store)).toMatchObject({ ok: false, reason: 'CertificateNotTrusted' });
    reader.close();
    stranger.close();
    server.closeAllConnections();
    server.close();
  });
});
