/** Memory and CPU time of everything: pods as the kubelets count them, and processes of the control plane outside of pods. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubectl } from './run.ts';

/** By what it is of: `faaskeeper-system/nats`. */
export type Cost = Readonly<Record<string, Usage>>;

export interface Usage {
  /** Resident. */
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
}

interface Summary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers?: readonly {
      readonly name: string;
      readonly memory?: { readonly rssBytes?: number };
      readonly cpu?: { readonly usageCoreNanoSeconds?: number };
    }[];
  }[];
}

export async function costOf(): Promise<Cost> {
  const cost: Record<string, Usage> = {};
  const add = (name: string, { memoryBytes, cpuSeconds }: Usage) => {
    const known = cost[name] ?? { memoryBytes: 0, cpuSeconds: 0 };
    cost[name] = { memoryBytes: known.memoryBytes + memoryBytes, cpuSeconds: known.cpuSeconds + cpuSeconds };
  };
  const nodes = await kubectl().json<{ items: { metadata: { name: string } }[] }>(['get', 'nodes']);
  for (const { metadata } of nodes.items) {
    const summary = JSON.parse(
      await kubectl().run(['get', '--raw', `/api/v1/nodes/${metadata.name}/proxy/stats/summary`]),
    ) as Summary;
    for (const { podRef, containers = [] } of summary.pods) {
      for (const { name, memory, cpu } of containers) {
        add(`${podRef.namespace}/${name}`, {
          memoryBytes: memory?.rssBytes ?? 0,
          cpuSeconds: (cpu?.usageCoreNanoSeconds ?? 0) / 1e9,
        });
      }
    }
  }
  for (const { name, pid } of hostProcesses()) add(name, usageOf(pid));
  return cost;
}

/** A cluster whose control plane is in pods has none; the cluster kit writes their ids to files. */
function hostProcesses(): readonly { name: string; pid: number }[] {
  const directory = join(process.env.FK_STATE || '/var/lib/faaskeeper-cluster', 'run');
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => file.endsWith('.pid'))
    .map((file) => ({
      name: file.slice(0, -'.pid'.length),
      pid: Number.parseInt(readFileSync(join(directory, file), 'utf8'), 10),
    }))
    .filter(({ pid }) => existsSync(`/proc/${pid}/stat`));
}

/** The kernel's tick of CPU time, s. */
const TICK = 1 / 100;

/** Of a process of this machine. */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return {
    // Without what is mapped from files, as the kubelet counts pods.
    memoryBytes: Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) * TICK,
  };
}

export function total(cost: Cost): Usage {
  const all = Object.values(cost);
  return {
    memoryBytes: all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}

/** What grew most first. */
export function difference(before: Cost, after: Cost): readonly { name: string; bytes: number }[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .map((name) => ({ name, bytes: (after[name]?.memoryBytes ?? 0) - (before[name]?.memoryBytes ?? 0) }))
    .toSorted((a, b) => Math.abs(b.bytes) - Math.abs(a.bytes));
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(0)} MiB`;
}
