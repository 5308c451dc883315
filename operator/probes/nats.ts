import { connectNats, type StoresConfig } from '@faaskeeper/functions/stores';
import { LIMITS } from '@faaskeeper/protocol';
import { compareVersions, type Finding, reportOf, type ServerReport, unreachable } from './report.ts';

type Nats = Awaited<ReturnType<typeof connectNats>>;

/** Times are ms. */
const BOUNDS = { connect: 5_000, request: 3_000, info: 500 } as const;
const VERSION_MIN = '2.12.0';
/** Up to it, a cluster could lose acknowledged messages when its members changed (nats-server issue 7545). */
const VERSION_LOSING = '2.12.1';

export async function probeNats(config: StoresConfig['nats']): Promise<ServerReport> {
  const where = config.url;
  let nats: Nats | undefined;
  try {
    nats = await connectNats({ ...config, name: 'faaskeeper-probe', connectTimeoutMs: BOUNDS.connect });
    const version = nats.info?.version ?? 'of unknown version';
    const findings = [...serverFindings(nats), ...(await jetStreamFindings(nats)), ...(await syncFindings(nats))];
    return reportOf('nats', `NATS ${version} answers.`, findings);
  } catch (error) {
    return unreachable('nats', where, error);
  } finally {
    await nats?.close();
  }
}

function serverFindings(nats: Nats): Finding[] {
  const { version = '0.0.0', max_payload = 0, cluster } = nats.info ?? {};
  const findings: Finding[] = [];
  if (compareVersions(version, VERSION_MIN) < 0) {
    const message = `Version ${version} is older than ${VERSION_MIN}. Update NATS.`;
    findings.push({ fatal: true, reason: 'VersionTooOld', message });
  } else if (cluster !== undefined && compareVersions(version, VERSION_LOSING) <= 0) {
    const message = `Version ${version} can lose acknowledged messages when the cluster's members change. Update NATS.`;
    findings.push({ fatal: true, reason: 'VersionLosesMessages', message });
  }
  if (max_payload < LIMITS.payloadBytes) {
    const message =
      `max_payload is ${max_payload}, but a transaction may have ${LIMITS.payloadBytes} bytes. ` +
      'Set max_payload: 8MB in the configuration of NATS.';
    findings.push({ fatal: true, reason: 'PayloadTooSmall', message });
  }
  return findings;
}

async function jetStreamFindings(nats: Nats): Promise<Finding[]> {
  try {
    const answer = await nats.request('$JS.API.INFO', '', { timeout: BOUNDS.request });
    const { error } = answer.json<{ error?: { description?: string } }>();
    if (error === undefined) return [];
    const message = `JetStream is not there for this account: ${error.description}. Enable it for the account.`;
    return [{ fatal: true, reason: 'JetStreamMissing', message }];
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'PERMISSIONS_VIOLATION') {
      const message =
        'These credentials may not use JetStream ($JS.API.>). Give credentials with all rights in their account.';
      return [{ fatal: true, reason: 'JetStreamForbidden', message }];
    }
    if (code !== '503') throw error;
    const message = 'JetStream is not enabled. Enable it (jetstream { store_dir: …, sync_interval: always }).';
    return [{ fatal: true, reason: 'JetStreamMissing', message }];
  }
}

interface ServerInfo {
  readonly data?: { readonly jetstream?: { readonly config?: { readonly sync_always?: boolean } } };
}

/** Servers tell only those who may ask (the bundled one does): who may not, is reminded. */
async function syncFindings(nats: Nats): Promise<Finding[]> {
  let info: ServerInfo;
  try {
    info = (await nats.request('$SYS.REQ.SERVER.PING.VARZ', '', { timeout: BOUNDS.info })).json<ServerInfo>();
  } catch {
    const message =
      'Whether it syncs every write to disk cannot be seen from here: make sure that its configuration has ' +
      'jetstream { sync_interval: always }, or acknowledged writes can be lost when its machine fails.';
    return [{ fatal: false, reason: 'SyncNotVisible', message }];
  }
  const config = info.data?.jetstream?.config;
  if (config === undefined || config.sync_always === true) return [];
  const message =
    'It does not sync every write to disk, so acknowledged writes can be lost when its machine fails. ' +
    'Set jetstream { sync_interval: always }.';
  return [{ fatal: true, reason: 'SyncNotAlways', message }];
}
