import type { InstanceSpecInput } from '@faaskeeper/protocol';
import { type FaaSKeeper, instanceIdOf } from '../api/index.ts';
import { TYPES } from '../kubernetes/index.ts';
import { RECONCILE } from './bounds.ts';
import { UserError } from './outcome.ts';
import type { FunctionUrls, Outside } from './ports.ts';

export interface SpecParts {
  readonly port: number | undefined;
  readonly urls: FunctionUrls | undefined;
  readonly superDigest: string | undefined;
  readonly logReplicas: 1 | 3;
}

export function storagePrefixOf(resource: FaaSKeeper): string {
  return `${instanceIdOf(resource)}/`;
}

/** What trigger, functions and gateway are told of the instance. */
export function instanceSpec(
  resource: FaaSKeeper,
  { port, urls, superDigest, logReplicas }: SpecParts,
): InstanceSpecInput {
  const { userStorage, sessions, limits, containerCheckIntervalMs, enforceQuota, gateway } = resource.spec;
  const { type, thresholdBytes } = userStorage;
  const { maxConnections, maxOutstandingRequests, tls } = gateway;
  const bytes = limits.bytes === undefined ? undefined : bytesOf(limits.bytes);
  return {
    id: instanceIdOf(resource),
    storagePrefix: storagePrefixOf(resource),
    userStorage: type === 'S3' ? { type } : { type, ...given({ thresholdBytes }) },
    sessions: {
      minTimeout: sessions.minTimeoutMs ?? 2 * sessions.tickMs,
      maxTimeout: sessions.maxTimeoutMs ?? 20 * sessions.tickMs,
    },
    ...(superDigest === undefined ? {} : { superDigest }),
    ...(port === undefined
      ? {}
      : {
          gateway: {
            port,
            ...(tls?.serverNames === undefined ? {} : { serverNames: [...tls.serverNames] }),
            limits: given({ connections: maxConnections, outstandingRequests: maxOutstandingRequests }),
          },
        }),
    ...(urls === undefined ? {} : { functions: urls }),
    containerCheckInterval: containerCheckIntervalMs,
    enforceQuota,
    limits: given({ nodes: limits.nodes, bytes, sessions: limits.sessions }),
    logReplicas,
  };
}

/** Without what is undefined. */
function given<T extends Record<string, number | undefined>>(values: T): { [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: number;
  };
}

const UNITS = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const;

/** `10Gi` as a number. */
export function bytesOf(value: number | string): number {
  const [, digits, unit] = /^(\d+)(Ki|Mi|Gi|Ti)?$/.exec(String(value)) ?? [];
  const bytes = Number(digits) * (unit === undefined ? 1 : UNITS[unit as keyof typeof UNITS]);
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new UserError('LimitInvalid', `spec.limits.bytes is ${value}: it must be a number of bytes such as 10Gi.`);
  }
  return bytes;
}

/** Declares instances, and again when something has changed or a while has passed: streams may have been damaged. */
export class Registry {
  readonly #declared = new Map<string, { readonly document: string; readonly at: number }>();

  async declare({ data }: Pick<Outside, 'data'>, spec: InstanceSpecInput): Promise<void> {
    const document = JSON.stringify(spec);
    const before = this.#declared.get(spec.id);
    const now = performance.now();
    if (before?.document === document && now - before.at < RECONCILE.declareMs) return;
    this.#declared.delete(spec.id);
    await data.declare(spec);
    this.#declared.set(spec.id, { document, at: now });
  }

  forget(id: string): void {
    this.#declared.delete(id);
  }
}

/** Digest identity of the super user, from the Secret that the spec names. */
export async function superDigestOf(
  { cluster }: Pick<Outside, 'cluster'>,
  { metadata, spec }: FaaSKeeper,
): Promise<string | undefined> {
  if (spec.superUser === undefined) return undefined;
  const { secretName, key } = spec.superUser;
  const secret = await cluster.get(TYPES.secret, metadata.namespace, secretName);
  const value = secret?.data?.[key];
  if (value === undefined) {
    throw new UserError(
      'SuperUserMissing',
      `The Secret ${secretName} with the key ${key} of spec.superUser is not there.`,
    );
  }
  const digest = Buffer.from(value, 'base64').toString('utf8').trim();
  if (!/^super:[A-Za-z0-9+/=]+$/.test(digest)) {
    throw new UserError('SuperUserInvalid', `${key} of the Secret ${secretName} is no digest identity super:HASH.`);
  }
  return digest;
}
