/** Proof 7: the shared TLS port, certificates as identities, and what is renewed while clients are connected. */
import { readFile } from 'node:fs/promises';
import { connect as connectTls } from 'node:tls';
import { type Forward, forward } from '../../operator/kubectl/index.ts';
import { type Authority, authority } from '../support/certificates.ts';
import { has } from '../support/programs.ts';
import { type Bound, boundInstance, endpointOf, secretOf } from './support/bound.ts';
import { declare, remove, untilCondition, untilReady } from './support/instances.ts';
import { podsOf } from './support/pods.ts';
import { releaseWith } from './support/release.ts';
import { figure, kubectl, progress, run } from './support/run.ts';
import { putSecret } from './support/servers.ts';
import { until } from './support/until.ts';
import { WireSession } from './support/wire.ts';

/** Of what is in a binding, s: it is renewed at half of it, and the kubelet brings it to the pod within a minute and a half. */
const LIFETIME_SECONDS = 240;
/** Until a changed Secret is in the files of a pod, ms. */
const MOUNTED_MS = 180_000;
const CERTIFICATE = 'e2e-gateway-certificate';
const names = { shop: 'shop.example.test', desk: 'desk.example.test' } as const;

const undo = new AsyncDisposableStack();
let mine: Authority;
let shop: Bound;
let desk: Bound;
let gateway: Forward;
let firstCreds: string;

// A release that others use goes on to serve those without a certificate.
(run().own && has('openssl', 'version') ? describe : describe.skip)('with a certificate at the gateway', () => {
  beforeAll(async () => {
    mine = undo.use(await authority());
    await putCertificate('first');
    undo.defer(async () => {
      await kubectl().run(['delete', 'secret', CERTIFICATE, '--namespace', run().namespace]);
    });
    undo.use(
      await releaseWith({
        gateway: { tls: { secretName: CERTIFICATE, clientAuth: 'want' }, enforceAuthSchemes: 'digest,x509' },
        service: { ipFamilyPolicy: 'PreferDualStack' },
      }),
    );
    await shortenCredentials();
    shop = undo.use(await boundInstance('shop', { gateway: { tls: { serverNames: [names.shop] } } }));
    desk = undo.use(await boundInstance('desk', { gateway: { tls: { serverNames: [names.desk] } } }));
    firstCreds = await credsOf(shop);
    await shop.agent.ask('load', { root: '/load', sessions: 2, pauseMs: 50, sessionTimeoutMs: 40_000 });
    for (const [what, { agent }] of Object.entries({ shop, desk })) {
      await agent.ask('open', { session: 'a', timeoutMs: 40_000 });
      await agent.call('a', 'create', '/who', what);
    }
    const to = `service/${run().release}-gateway-tls`;
    gateway = undo.use(await forward(kubectl(), { namespace: run().namespace, to, port: 2281 }));
  });

  afterAll(() => undo.disposeAsync());

  test('the name that a client asks for says which instance it gets', async () => {
    for (const what of ['shop', 'desk'] as const) {
      const wire = await open('ann', names[what]);
      expect(await wire.text('/who')).toBe(what);
      wire.close();
    }
    await expect(shown('other.example.test')).rejects.toThrow();
  });

  test("a name of another instance is refused, and goes on to lead to that one's tree", async () => {
    const rival = { ...desk.name, name: 'rival' };
    await declare(rival, { deletionPolicy: 'Delete', gateway: { tls: { serverNames: [names.shop] } } });
    const { status } = await untilCondition(rival, 'GatewayReady', 'False');
    expect(status?.conditions?.find(({ type }) => type === 'GatewayReady')?.reason).toBe('ServerNameTaken');
    const wire = await open('ann');
    expect(await wire.text('/who')).toBe('shop');
    wire.close();
    await remove(rival);
  });

  test('a certificate is an identity: what it creates for itself alone, another cannot read', async () => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    expect(await ann.create('/anns', 'hers', { creatorOnly: true })).toBe(0);
    expect(await ann.text('/anns')).toBe('hers');
    expect(await bob.text('/anns')).toBeUndefined();
    expect(await bob.text('/who')).toBe('shop');
    ann.close();
    bob.close();
  });

  test('who shows no certificate gets nothing until it authenticates by digest', async () => {
    const nobody = await open();
    expect(await nobody.text('/who')).toBeUndefined();
    nobody.close();
    const known = await open();
    expect(await known.addAuth('ann:secret')).toBe(0);
    expect(await known.text('/who')).toBe('shop');
    known.close();
    const { service, namespace, port } = endpointOf(shop.resource);
    await using plain = await forward(kubectl(), { namespace, to: `service/${service}`, port });
    const unencrypted = await WireSession.open({ host: '127.0.0.1', port: plain.port });
    expect(await unencrypted.text('/who')).toBeUndefined();
    unencrypted.close();
  });

  test('Services ask for both address families where the release does', async () => {
    for (const service of [`${run().release}-gateway-tls`, endpointOf(shop.resource).service]) {
      const { spec } = await kubectl().json<{ spec: { ipFamilyPolicy: string } }>([
        ...['get', 'service', service, '--namespace', run().namespace],
      ]);
      expect(spec.ipFamilyPolicy).toBe('PreferDualStack');
    }
  });

  test('a new certificate is shown without a restart, and sessions go on', async () => {
    const pods = async () => (await podsOf('gateway')).map(({ metadata }) => metadata.uid).sort();
    const before = await pods();
    const wire = await open('ann');
    expect(await shown(names.shop)).toBe('first');
    await putCertificate('renewed');
    await until(
      async () => {
        expect(await wire.text('/who')).toBe('shop');
        expect(await shown(names.shop)).toBe('renewed');
      },
      { timeoutMs: MOUNTED_MS, everyMs: 2_000 },
    );
    expect(await wire.text('/who')).toBe('shop');
    wire.close();
    expect(await pods()).toEqual(before);
  });

  test('credentials are renewed at half of their lifetime, and who is connected notices nothing', async () => {
    await until(async () => expect(await credsOf(shop)).not.toBe(firstCreds), {
      timeoutMs: LIFETIME_SECONDS * 1_000,
      everyMs: 2_000,
    });
    const ended = expiryOf(firstCreds);
    progress(`the first credentials end at ${new Date(ended).toISOString().slice(11, 19)}`);
    // NATS ends the connections then; half a lifetime later those of the next would be over, too.
    await until(async () => expect(Date.now()).toBeGreaterThan(ended + (LIFETIME_SECONDS * 1_000) / 4), {
      timeoutMs: LIFETIME_SECONDS * 1_000,
      everyMs: 2_000,
    });
    const report = await shop.agent.ask('stop', {});
    progress(JSON.stringify(report));
    expect(report.failed).toEqual({});
    expect(report.states.expired).toBeUndefined();
    expect(await shop.agent.ask('verify', {})).toMatchObject({ lost: [], doubled: [], sessions: [] });
    figure(7, 'writes acknowledged over a renewal of credentials; failed, lost', `${report.acknowledged}; 0, 0`);
    figure(7, 'renewal of credentials: longest time without an acknowledged write', `${report.longestGapMs} ms`);
    await untilReady(shop.name);
  });
});

/** The chart takes no less than 15 minutes: kubelets may need one to bring what is renewed. */
async function shortenCredentials(): Promise<void> {
  const operator = [`deployment/${run().release}-operator`, '--namespace', run().namespace];
  await kubectl().run(['set', 'env', ...operator, `FAASKEEPER_CREDENTIALS_LIFETIME=${LIFETIME_SECONDS}`]);
  await kubectl().run(['rollout', 'status', ...operator, '--timeout=120s']);
}

async function putCertificate(name: string): Promise<void> {
  const { cert, key } = await mine.issue(`server-${name}`, `/CN=${name}`, Object.values(names));
  await putSecret(
    { namespace: run().namespace, name: CERTIFICATE },
    {
      'tls.crt': await readFile(cert, 'utf8'),
      'tls.key': await readFile(key, 'utf8'),
      'ca.crt': await readFile(mine.ca, 'utf8'),
    },
  );
}

/** A session at the TLS port; without a name it shows no certificate. */
async function open(who?: string, servername: string = names.shop): Promise<WireSession> {
  const client = await mine.client(who === undefined ? undefined : await mine.issue(who, `/CN=${who}`));
  return WireSession.open({ host: '127.0.0.1', port: gateway.port, tls: { ...client, servername } });
}

/** Common name of the certificate that the gateway shows to who asks for this name. */
async function shown(servername: string): Promise<string> {
  const { ca } = await mine.client();
  const socket = connectTls({ host: '127.0.0.1', port: gateway.port, ca, servername });
  try {
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return String(socket.getPeerCertificate().subject.CN);
  } finally {
    socket.destroy();
  }
}

async function credsOf({ name, resource }: Bound): Promise<string> {
  const { data } = await kubectl().json<{ data: Record<string, string> }>([
    ...['get', 'secret', secretOf(resource), '--namespace', name.namespace],
  ]);
  return Buffer.from(data['nats-creds'] ?? '', 'base64').toString();
}

/** When the user of a .creds file ends, ms since the epoch. */
function expiryOf(creds: string): number {
  const claims = creds.split('\n')[1]?.split('.')[1] ?? '';
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { exp: number }).exp * 1_000;
}
