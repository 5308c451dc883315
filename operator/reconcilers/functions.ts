import { type FaaSKeeper, FUNCTIONS, type FunctionName, instanceIdOf } from '../api/index.ts';
import { type KnativeService, TYPES } from '../kubernetes/index.ts';
import { dedicatedFunction, functionName } from '../resources/index.ts';
import { ensure, remove } from './apply.ts';
import { fails, holds, type Outcome } from './outcome.ts';
import type { FunctionUrls, Outside } from './ports.ts';

export interface FunctionsOutcome extends Outcome {
  /** Of the instance's own functions; undefined for the shared ones, `pending` until the own ones may be used. */
  readonly urls: FunctionUrls | 'pending' | undefined;
}

type Needs = Pick<Outside, 'cluster' | 'view' | 'release' | 'recorder'>;

/** Makes the functions of a Dedicated instance, and tells whether those that serve it can. */
export async function reconcileFunctions(outside: Needs, resource: FaaSKeeper): Promise<FunctionsOutcome> {
  const { view, release } = outside;
  if (!view.knativeInstalled) {
    const message = 'Knative Serving is not installed in this cluster: the functions cannot run.';
    return { findings: [fails('FunctionsReady', 'KnativeMissing', message)], urls: undefined };
  }
  const shared = FUNCTIONS.map((name) => [name, view.knativeService(`${release.name}-${name}`)] as const);
  const missing = shared.filter(([, service]) => service === undefined).map(([name]) => `${release.name}-${name}`);
  const dedicated = resource.spec.functions.isolation === 'Dedicated';
  if (missing.length > 0) {
    const message = `The Knative Services ${missing.join(', ')} of the release are not there: upgrade the release.`;
    return {
      findings: [fails('FunctionsReady', 'FunctionsMissing', message)],
      urls: dedicated ? 'pending' : undefined,
    };
  }
  const services = shared as readonly (readonly [FunctionName, KnativeService])[];
  if (!dedicated) return { ...readiness(services), urls: undefined };
  return reconcileDedicated(outside, resource, services);
}

/** After the instance is told to use the shared ones. */
export async function removeDedicated(outside: Pick<Outside, 'cluster' | 'view'>, resource: FaaSKeeper): Promise<void> {
  for (const { type, object } of outside.view.children(instanceIdOf(resource))) {
    if (type === TYPES.knativeService) await remove(outside, type, object);
  }
}

async function reconcileDedicated(
  outside: Needs,
  resource: FaaSKeeper,
  shared: readonly (readonly [FunctionName, KnativeService])[],
): Promise<FunctionsOutcome> {
  const { view, release, recorder } = outside;
  const children = view.children(instanceIdOf(resource)).filter(({ type }) => type === TYPES.knativeService);
  const own: [FunctionName, KnativeService | undefined][] = [];
  for (const [name, template] of shared) {
    const live = children.find(({ object }) => object.metadata.name === functionName(resource, name))?.object;
    const manifest = dedicatedFunction(resource, name, template);
    const { drifted, changed } = await ensure(outside, TYPES.knativeService, { manifest, live });
    if (drifted)
      recorder.event(resource, 'Normal', 'Repaired', `The ${name} had been changed and is as it should be again.`);
    own.push([name, changed ? undefined : (live as KnativeService)]);
  }
  const outcome = readiness(own);
  // Those that were made may be used from then on: a later revision that does not come up leaves the one before.
  const usable =
    own.every(([, service]) => service?.status?.latestReadyRevisionName !== undefined) ||
    outcome.findings[0]?.status === 'True';
  const known = resource.status?.mode === 'Dedicated';
  if (!usable && !known) return { ...outcome, urls: 'pending' };
  const urls = own.map(([name, service]) => [
    name,
    service?.status?.address?.url ??
      `http://${functionName(resource, name)}.${release.namespace}.svc.${release.clusterDomain}`,
  ]);
  return { ...outcome, urls: Object.fromEntries(urls) };
}

function readiness(services: readonly (readonly [FunctionName, KnativeService | undefined])[]): Outcome {
  for (const [name, service] of services) {
    const ready = service?.status?.conditions?.find(({ type }) => type === 'Ready');
    const isCurrent = (service?.status?.observedGeneration ?? 0) >= (service?.metadata.generation ?? 1);
    if (ready?.status === 'True' && isCurrent) continue;
    // While a later revision comes up, the one before serves.
    const isServed = service?.status?.latestReadyRevisionName !== undefined && service.status.url !== undefined;
    if (isServed && ready?.status !== 'False') continue;
    const why = ready?.message ?? 'Knative is bringing it up';
    const reason = ready?.status === 'False' ? 'FunctionFailed' : 'FunctionStarting';
    return { findings: [fails('FunctionsReady', reason, `The ${name} is not ready: ${why}.`.replace(/\.\.$/, '.'))] };
  }
  return { findings: [holds('FunctionsReady', 'Available', 'All functions are ready; they run when there is work.')] };
}
