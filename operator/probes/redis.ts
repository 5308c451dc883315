import { connectRedis, type StoresConfig } from '@faaskeeper/functions/stores';
import { compareVersions, type Finding, inTime, reportOf, type ServerReport, unreachable } from './report.ts';

type Redis = ReturnType<typeof connectRedis>;
type Fields = ReadonlyMap<string, string>;

const TIMEOUT_MS = 5_000;
const VERSION_MIN = '7.0.0';

export async function probeRedis(config: StoresConfig['redis']): Promise<ServerReport> {
  let refusal: unknown;
  const redis = connectRedis({ url: config.url, name: 'faaskeeper-probe', commandTimeoutMs: TIMEOUT_MS }, (error) => {
    refusal = error;
  });
  try {
    const info = fieldsOf(await inTime(TIMEOUT_MS, redis.info()));
    const settings = await settingsOf(redis);
    return reportOf('redis', `Redis ${info.get('redis_version') ?? ''} answers.`, [
      ...serverFindings(info),
      ...settingFindings(info, settings),
    ]);
  } catch (error) {
    return unreachable('redis', whereOf(config.url), refusal ?? error);
  } finally {
    redis.disconnect();
  }
}

function serverFindings(info: Fields): Finding[] {
  const findings: Finding[] = [];
  const version = info.get('redis_version') ?? '0.0.0';
  if (compareVersions(version, VERSION_MIN) < 0) {
    const message = `Version ${version} is older than ${VERSION_MIN}. Update it.`;
    findings.push({ fatal: true, reason: 'VersionTooOld', message });
  }
  if ((info.get('role') ?? 'master') !== 'master') {
    const message = 'It is a replica, which takes no writes and lags. Give the address of the primary.';
    findings.push({ fatal: true, reason: 'Replica', message });
  }
  if (info.get('cluster_enabled') === '1') {
    const message = 'It runs in cluster mode, which is not supported. Give a single primary.';
    findings.push({ fatal: true, reason: 'ClusterMode', message });
  }
  return findings;
}

/** `settings` is empty where CONFIG is not for us (managed services): INFO tells some of it. */
function settingFindings(info: Fields, settings: Fields): Finding[] {
  const findings: Finding[] = [];
  const policy = settings.get('maxmemory-policy') ?? info.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    const message =
      `maxmemory-policy is ${policy}: when memory is full, Redis would throw away parts of the system store. ` +
      'Set maxmemory-policy noeviction.';
    findings.push({ fatal: true, reason: 'EvictsKeys', message });
  }
  const appendOnly = settings.get('appendonly') ?? (info.get('aof_enabled') === '1' ? 'yes' : 'no');
  const fsync = settings.get('appendfsync');
  if (appendOnly !== 'yes') {
    const message =
      'appendonly is off: nothing is lost, but after a restart of Redis every instance is rebuilt from its ' +
      'checkpoint and log before it takes writes. Set appendonly yes and appendfsync always.';
    findings.push({ fatal: false, reason: 'NotPersistent', message });
  } else if (fsync !== undefined && fsync !== 'always') {
    const message =
      `appendfsync is ${fsync}: nothing is lost, but after a crash of its machine Redis is behind the log and is ` +
      'brought up to date before an instance takes writes. Set appendfsync always.';
    findings.push({ fatal: false, reason: 'FsyncNotAlways', message });
  }
  return findings;
}

async function settingsOf(redis: Redis): Promise<Fields> {
  try {
    const names = ['appendonly', 'appendfsync', 'maxmemory-policy'];
    const answers = await inTime(TIMEOUT_MS, Promise.all(names.map((name) => redis.config('GET', name))));
    return new Map(answers.flatMap((answer) => pairsOf(answer)));
  } catch {
    return new Map();
  }
}

/** A list of names and values, or (RESP3) a map of them. */
function pairsOf(answer: unknown): [string, string][] {
  if (answer instanceof Map) return [...answer].map(([name, value]) => [String(name), String(value)]);
  if (Array.isArray(answer)) return answer.length < 2 ? [] : [[String(answer[0]), String(answer[1])]];
  return Object.entries(answer as Record<string, unknown>).map(([name, value]) => [name, String(value)]);
}

function fieldsOf(info: string): Fields {
  const pairs = info.split(/\r?\n/).map((line) => line.split(':', 2));
  return new Map(pairs.filter((pair): pair is [string, string] => pair.length === 2));
}

/** Without user and password. */
function whereOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url.replace(/\/\/[^@]*@/, '//');
}
