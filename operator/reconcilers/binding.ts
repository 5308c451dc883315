import { createHash } from 'node:crypto';
import { ANNOTATIONS, type FaaSKeeper, instanceIdOf, LABELS } from '../api/index.ts';
import type { IssuedFor } from '../credentials/index.ts';
import { TYPES } from '../kubernetes/index.ts';
import { BINDING_TYPE, bindingName, bindingSecret, type SeenSecret } from '../resources/index.ts';
import { remove } from './apply.ts';
import { RECONCILE } from './bounds.ts';
import { fails, holds, type Outcome, UserError } from './outcome.ts';
import type { Outside } from './ports.ts';
import { storagePrefixOf } from './registry.ts';

type Needs = Pick<Outside, 'cluster' | 'view' | 'issuer' | 'release' | 'recorder' | 'now'>;

const SCOPED = 'The credentials in the binding reach this instance only.';

/** Credentials that reach this instance only, in a Secret beside the resource; renewed at half of their life. */
export async function reconcileBinding(
  outside: Needs,
  resource: FaaSKeeper,
  { zookeeper }: { readonly zookeeper: string | undefined },
): Promise<Outcome> {
  const { view, issuer, release, recorder, now } = outside;
  const name = bindingName(resource);
  const secrets = view.children(instanceIdOf(resource)).filter(({ type }) => type === TYPES.secret);
  const live = secrets.find(({ object }) => object.metadata.name === name)?.object as SeenSecret | undefined;
  if (live === undefined || live.type !== BINDING_TYPE) await makeRoom(outside, resource, name);
  const before = live?.metadata.annotations ?? {};
  const isIntact = live !== undefined && live.digest === before[ANNOTATIONS.applied] && isOwned(live, resource);
  const instance = issuedFor(resource, before[ANNOTATIONS.redisUser]);
  const s3Endpoint = resource.spec.userStorage.s3?.clientEndpoint ?? release.client.s3.endpoint;
  const digest = digestOf([
    issuer.generation,
    release.client,
    s3Endpoint,
    zookeeper,
    instance.storagePrefix,
    instance.hybrid,
  ]);
  const previous = resource.status?.conditions?.find(({ type }) => type === 'CredentialsScoped');
  let expires = before[ANNOTATIONS.expires];
  let again = Date.parse(before[ANNOTATIONS.renew] ?? '') - now().getTime();
  let scoped = previous?.status === 'True';
  let message = previous?.message;
  const isCurrent = isIntact && before[ANNOTATIONS.credentials] === digest && again > 0 && previous !== undefined;
  if (!isCurrent || (isKept(scoped, instance) && !(await issuer.keep(instance)))) {
    const credentials = await issuer.issue(instance);
    const content = { release, credentials, digest, zookeeper, s3Endpoint, storagePrefix: instance.storagePrefix };
    const manifest = bindingSecret(resource, content);
    view.learn(TYPES.secret, await outside.cluster.apply(TYPES.secret, manifest));
    expires = manifest.metadata.annotations?.[ANNOTATIONS.expires];
    again = credentials.renewAt - now().getTime();
    ({ scoped } = credentials);
    message = credentials.problem ?? [SCOPED, ...(credentials.note === undefined ? [] : [credentials.note])].join(' ');
    if (live !== undefined && !isIntact) {
      const text = `The Secret ${name} had been changed and is as it should be again.`;
      recorder.event(resource, 'Normal', 'Repaired', text);
    }
  }
  for (const { type, object } of secrets) if (object.metadata.name !== name) await remove(outside, type, object);
  const finding = scoped
    ? holds('CredentialsScoped', 'Scoped', message ?? SCOPED)
    : fails('CredentialsScoped', 'NotScoped', message ?? 'The credentials are not limited to this instance.');
  const status = { binding: { name }, ...(expires === undefined ? {} : { credentialsExpire: expires }) };
  return { findings: [finding], status, again: Math.max(again, RECONCILE.renewLeastMs) };
}

function issuedFor(resource: FaaSKeeper, redisUser: string | undefined): IssuedFor {
  const hybrid = resource.spec.userStorage.type === 'Hybrid';
  const instance = { id: instanceIdOf(resource), storagePrefix: storagePrefixOf(resource), hybrid };
  const redisDigests = redisUser?.split(' ').filter((digest) => /^[0-9a-f]{64}$/.test(digest)) ?? [];
  return hybrid && redisDigests.length > 0 ? { ...instance, redisDigests } : instance;
}

/** Servers have users for what was issued: where they refused to make any, they are asked again when it is renewed. */
function isKept(scoped: boolean, { redisDigests }: IssuedFor): boolean {
  return scoped || redisDigests !== undefined;
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

function isOwned({ metadata }: SeenSecret, resource: FaaSKeeper): boolean {
  return (metadata.ownerReferences ?? []).some(({ uid }) => uid === resource.metadata.uid);
}

/** A Secret of the same name that is not ours stays; one that is, but cannot be changed into what it should be, goes. */
async function makeRoom({ cluster }: Needs, resource: FaaSKeeper, name: string): Promise<void> {
  const { namespace } = resource.metadata;
  const secret = await cluster.get(TYPES.secret, namespace, name);
  if (secret === undefined) return;
  const { labels } = secret.metadata;
  if (labels?.[LABELS.namespace] !== namespace || labels?.[LABELS.resource] !== resource.metadata.name) {
    throw new UserError(
      'SecretTaken',
      `The Secret ${name} is there already and is not of this instance: set spec.binding.secretName to another name.`,
    );
  }
  if (secret.type !== BINDING_TYPE) await cluster.delete(TYPES.secret, secret);
}
