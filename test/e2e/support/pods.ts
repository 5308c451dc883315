/** Pods of the release. */
import { kubectl, run } from './run.ts';
import { until } from './until.ts';

export const FUNCTIONS = ['writer', 'distributor', 'watch', 'heartbeat'] as const;
/** Deployments and StatefulSets of the chart. */
export type Component = 'operator' | 'trigger' | 'gateway' | 'nats' | 'redis' | 'minio' | (typeof FUNCTIONS)[number];

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export async function podsOf(component: Component): Promise<readonly Pod[]> {
  const selector = `app.kubernetes.io/instance=${run().release},app.kubernetes.io/component=${component}`;
  const list = ['get', 'pods', '--namespace', run().namespace, '--selector', selector];
  return (await kubectl().json<{ items: Pod[] }>(list)).items;
}

export function isReady({ metadata, status }: Pod): boolean {
  const ready = status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  return ready && metadata.deletionTimestamp === undefined;
}

/** Pods that are neither gone nor on their way out. */
export async function livingFunctionPods(): Promise<readonly string[]> {
  const all = await Promise.all(FUNCTIONS.map(podsOf));
  return all.flat().map(({ metadata }) => metadata.name);
}

const killed = new Set<string>();

/** Kills without a word of warning; how many there were. */
export async function kill(component: Component): Promise<number> {
  const pods = (await podsOf(component)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (pods.length === 0) return 0;
  for (const { metadata } of pods) killed.add(metadata.uid);
  const names = pods.map(({ metadata }) => metadata.name);
  const now = ['--force', '--grace-period=0', '--wait=false', '--ignore-not-found'];
  await kubectl().run(['delete', 'pods', '--namespace', run().namespace, ...now, ...names]);
  return pods.length;
}

/** Until a pod that was not killed is ready. */
export async function untilReplaced(component: Component): Promise<void> {
  await until(
    async () => {
      const others = (await podsOf(component)).filter(({ metadata }) => !killed.has(metadata.uid));
      if (!others.some(isReady)) throw new Error(`${component}: no pod of ${others.length} is ready`);
    },
    { timeoutMs: 180_000, everyMs: 500 },
  );
}

export async function untilRunning(component: Component, atLeast = 1): Promise<void> {
  await until(
    async () => {
      const ready = (await podsOf(component)).filter(isReady);
      if (ready.length < atLeast) throw new Error(`${component}: ${ready.length} of ${atLeast} pods are ready`);
    },
    { timeoutMs: 180_000, everyMs: 1_000 },
  );
}

/** The metrics of each running pod, in the format of Prometheus. */
export async function metricsTexts(component: Component): Promise<readonly string[]> {
  const running = (await podsOf(component)).filter(({ status }) => status.phase === 'Running');
  return await Promise.all(
    running.map(({ metadata: { namespace, name } }) =>
      kubectl().run(['get', '--raw', `/api/v1/namespaces/${namespace}/pods/${name}:8080/proxy/metrics`]),
    ),
  );
}
