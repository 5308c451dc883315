import {
  API_VERSION,
  type ConditionType,
  type FaaSKeeper,
  type FaaSKeeperStatus,
  type Finding,
  findCondition,
  instanceIdOf,
  KIND,
  mergeConditions,
  PLURAL,
} from '../api/index.ts';
import { isConflict, isNotFound, type ResourceType } from '../kubernetes/index.ts';
import { Backups } from './backups.ts';
import { reconcileBinding } from './binding.ts';
import { RECONCILE } from './bounds.ts';
import { finalize, holdByFinalizer, releaseFinalizer } from './finalize.ts';
import { reconcileFunctions, removeDedicated } from './functions.ts';
import { reconcileGateway } from './gateway.ts';
import { GatewayPorts } from './gateway-ports.ts';
import { fails, holds, type Outcome, sooner, UserError } from './outcome.ts';
import type { Outside } from './ports.ts';
import { readyFinding } from './ready.ts';
import { instanceSpec, Registry, superDigestOf } from './registry.ts';
import { Restores } from './restore.ts';
import { storesOutcome } from './stores.ts';

export const FAASKEEPERS: ResourceType<FaaSKeeper> = { apiVersion: API_VERSION, kind: KIND, plural: PLURAL };

/** What one reconciliation has gathered so far. */
class Gathered {
  readonly findings: Finding[] = [];
  status: Record<string, unknown> = {};
  again: number | undefined;
  /** The first error: it decides Ready, and whether to try again soon. */
  error: unknown;

  add({ findings, status, again }: Outcome): void {
    this.findings.push(...findings);
    Object.assign(this.status, status);
    this.again = sooner(this.again, again);
  }

  /** An error ends its step only: what does not depend on it goes on. A step without a condition shows in Ready alone. */
  async step<T extends Outcome>(
    condition: ConditionType | undefined,
    work: () => Promise<T> | T,
  ): Promise<T | undefined> {
    try {
      const outcome = await work();
      this.add(outcome);
      return outcome;
    } catch (error) {
      if (isConflict(error)) throw error;
      this.error ??= error;
      const reason = error instanceof UserError ? error.reason : 'Failed';
      if (condition !== undefined) this.findings.push(fails(condition, reason, messageOf(error)));
      return undefined;
    }
  }

  /** What Ready says of the first error. */
  get failure(): Finding | undefined {
    if (this.error === undefined) return undefined;
    const reason = this.error instanceof UserError ? this.error.reason : 'ReconcileFailed';
    return fails('Ready', reason, messageOf(this.error));
  }
}

/** Makes everything about one instance as its resource says. Level-triggered: only what is there now counts. */
export class InstanceReconciler {
  readonly #outside: Outside;
  readonly #ports = new GatewayPorts();
  readonly #registry = new Registry();
  readonly #restores = new Restores();
  readonly #backups = new Backups();

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /** Resolves with ms until it is due again, or undefined for a resource that is gone. */
  async reconcile(resource: FaaSKeeper): Promise<number | undefined> {
    if (resource.metadata.deletionTimestamp !== undefined) return this.#end(resource);
    const { cluster, view } = this.#outside;
    let held: FaaSKeeper;
    try {
      held = await holdByFinalizer({ cluster }, FAASKEEPERS, resource);
    } catch (error) {
      // A newer one is on its way to us.
      if (isNotFound(error)) return undefined;
      throw error;
    }
    if (held !== resource) view.learn(FAASKEEPERS, held);
    const gathered = new Gathered();
    gathered.add(storesOutcome(this.#outside));
    await this.#make(held, gathered);
    await this.#writeStatus(held, gathered);
    if (gathered.error !== undefined && !(gathered.error instanceof UserError)) throw gathered.error;
    const isReady = gathered.findings.find(({ type }) => type === 'Ready')?.status === 'True';
    const poll = isReady || held.spec.suspend ? RECONCILE.statusMs : RECONCILE.notReadyMs;
    return sooner(gathered.again, poll * (0.8 + Math.random() * 0.4));
  }

  async #make(resource: FaaSKeeper, gathered: Gathered): Promise<void> {
    const outside = this.#outside;
    const gateway = await gathered.step('GatewayReady', () => reconcileGateway(outside, resource, this.#ports));
    const functions = await gathered.step('FunctionsReady', () => reconcileFunctions(outside, resource));
    await gathered.step('CredentialsScoped', () =>
      reconcileBinding(outside, resource, { zookeeper: gateway?.address }),
    );
    const { endpoint } = outside.release.client.s3;
    const endpoints = {
      ...(gateway?.address === undefined ? {} : { zookeeper: gateway.address }),
      nats: outside.release.client.natsUrl,
      s3: resource.spec.userStorage.s3?.clientEndpoint ?? endpoint,
      ...(resource.spec.userStorage.type === 'Hybrid' ? { redis: outside.release.client.redisUrl } : {}),
    };
    gathered.add({ findings: [], status: { endpoints, instanceId: instanceIdOf(resource) } });
    if (gateway === undefined || functions === undefined) return;
    await gathered.step(undefined, () => this.#serve(resource, gathered, { port: gateway.port, urls: functions.urls }));
  }

  /** Trigger, functions and gateway are told, or told no more; then the data is looked after. */
  async #serve(
    resource: FaaSKeeper,
    gathered: Gathered,
    {
      port,
      urls,
    }: { readonly port: number | undefined; readonly urls: Record<string, string> | 'pending' | undefined },
  ): Promise<Outcome> {
    const outside = this.#outside;
    const { data, release } = outside;
    const id = instanceIdOf(resource);
    const superDigest = await superDigestOf(outside, resource);
    const own = urls === 'pending' ? undefined : urls;
    const spec = instanceSpec(resource, { port, urls: own, superDigest, logReplicas: release.logReplicas });
    const restored = await gathered.step('Restored', () => this.#restores.reconcile(outside, resource, spec));
    if (!restored?.done) return { findings: [] };
    if (resource.spec.suspend) {
      this.#registry.forget(id);
      await data.suspend(id);
      gathered.add({ findings: [holds('Suspended', 'Suspended', 'Nobody is served; the data stays.')] });
      gathered.add({ findings: [], status: { mode: 'Suspended' } });
    } else {
      gathered.add({ findings: [fails('Suspended', 'NotSuspended', 'The instance is meant to be served.')] });
      if (urls === 'pending') return { findings: [] };
      await this.#registry.declare(outside, spec);
      if (own === undefined) await removeDedicated(outside, resource);
      gathered.add({ findings: [], status: { mode: own === undefined ? 'Shared' : 'Dedicated' } });
    }
    await gathered.step('BackupReady', () => this.#backups.reconcile(outside, resource, spec));
    return { findings: [], status: await this.#counts(id, resource) };
  }

  async #counts(id: string, { status = {} }: FaaSKeeper): Promise<NonNullable<Outcome['status']>> {
    const counts = await this.#outside.data.status(id);
    if (counts === undefined) {
      // Never used, or its applied state is being rebuilt: then what is known is the best.
      const { zxid = 0, sessions = 0, nodes } = status;
      return { zxid, sessions, ...(nodes === undefined ? {} : { nodes }) };
    }
    const { zxid, sessions, nodes, bytes } = counts;
    return { zxid, sessions, nodes, ...(bytes === undefined ? {} : { bytes }) };
  }

  async #writeStatus(resource: FaaSKeeper, gathered: Gathered): Promise<void> {
    const { cluster, recorder, view, now } = this.#outside;
    const before = resource.status ?? {};
    const { spec, metadata } = resource;
    const { findings } = gathered;
    findings.unshift(readyFinding(findings, { suspended: spec.suspend, failure: gathered.failure }));
    const conditions = mergeConditions(before.conditions ?? [], findings, {
      generation: metadata.generation,
      now: now(),
    });
    const next = clean({ ...before, ...gathered.status, conditions, observedGeneration: metadata.generation });
    if (same(before, next)) return;
    const { name, namespace, uid } = metadata;
    const manifest = { apiVersion: API_VERSION, kind: KIND, metadata: { name, namespace, uid }, status: next };
    try {
      view.learn(FAASKEEPERS, await cluster.applyStatus(FAASKEEPERS, manifest));
    } catch (error) {
      // Deleted, and perhaps made anew, meanwhile.
      if (isNotFound(error) || isConflict(error)) return;
      throw error;
    }
    const was = findCondition(before.conditions ?? [], 'Ready');
    const is = findCondition(conditions, 'Ready');
    if (is === undefined || (was?.status === is.status && was.reason === is.reason)) return;
    const isWarning =
      is.status === 'False' && !['Suspended', 'Checking', 'Restoring', 'FunctionStarting'].includes(is.reason);
    recorder.event(resource, isWarning ? 'Warning' : 'Normal', is.reason, is.message);
  }

  async #end(resource: FaaSKeeper): Promise<undefined> {
    const outside = this.#outside;
    const id = instanceIdOf(resource);
    try {
      if (outside.background.isRunning(`restore ${id}`) || outside.background.isRunning(`backup ${id}`)) {
        throw new Error('A backup or a restoration of the instance has to end first');
      }
      await finalize(outside, resource);
    } catch (error) {
      outside.recorder.event(resource, 'Warning', 'DeletionWaits', messageOf(error));
      throw error;
    }
    this.forget(id);
    try {
      await releaseFinalizer(outside, FAASKEEPERS, resource);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return undefined;
  }

  forget(id: string): void {
    this.#ports.release(id);
    this.#registry.forget(id);
    this.#restores.forget(id);
    this.#backups.forget(id);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Without what is undefined, which JSON has not. */
function clean(status: Record<string, unknown>): FaaSKeeperStatus {
  return JSON.parse(JSON.stringify(status));
}

/** Key order does not count: the API server has its own. */
function same(one: unknown, other: unknown): boolean {
  const sorted = (_: string, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
}
