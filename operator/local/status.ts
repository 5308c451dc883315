import { isSameProcess, probeHttp } from '../servers/index.ts';
import { converse } from '../servers/probes.ts';
import { type ProcessState, readState } from './home.ts';
import { functionNames, type ProcessName } from './names.ts';

export interface ProcessStatus {
  readonly name: ProcessName;
  readonly pid: number;
  readonly address: string;
  readonly answers: boolean;
  /** Why it does not answer. */
  readonly reason?: string;
}

export interface LocalStatus {
  readonly home: string;
  /** True when everything answers. */
  readonly ready: boolean;
  /** One sentence. */
  readonly summary: string;
  readonly instance?: string;
  readonly processes: readonly ProcessStatus[];
}

/** Asks everything that runs on this home whether it answers. */
export async function localStatus(home: string): Promise<LocalStatus> {
  const state = readState(home);
  if (state === undefined || !isSameProcess(state.pid, state.stamp)) {
    const summary = `FaaSKeeper is not running on ${home}. Start it with \`npm start\`.`;
    return { home, ready: false, summary, processes: [] };
  }
  const entries = Object.entries(state.processes) as [ProcessName, ProcessState][];
  const processes = await Promise.all(entries.map(([name, process]) => ask(name, process)));
  const missing = [...functionNames, 'gateway' as const].filter(
    (name) => !processes.some((process) => process.name === name),
  );
  const silent = [...processes.filter(({ answers }) => !answers).map(({ name }) => name), ...missing];
  const { instance } = state;
  if (silent.length > 0) {
    const summary = `FaaSKeeper is not ready: no answer from ${silent.join(', ')}.`;
    return { home, ready: false, summary, instance, processes };
  }
  if (!state.ready) return { home, ready: false, summary: 'FaaSKeeper is starting.', instance, processes };
  return { home, ready: true, summary: `FaaSKeeper is ready: instance ${instance}`, instance, processes };
}

async function ask(name: ProcessName, { pid, address }: ProcessState): Promise<ProcessStatus> {
  try {
    await probe(name, new URL(address));
    return { name, pid, address, answers: true };
  } catch (error) {
    return { name, pid, address, answers: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Needs no password: a server that refuses us, answers. */
async function probe(name: ProcessName, { hostname, port, origin }: URL): Promise<void> {
  if (name === 'nats') await converse(hostname, Number(port), '', 'INFO ');
  else if (name === 'redis') await converse(hostname, Number(port), 'PING\r\n', 'NOAUTH');
  else if (name === 's3') await fetch(origin, { signal: AbortSignal.timeout(2_000) });
  else if (name === 'gateway') await converse(hostname, Number(port), 'ruok', 'ok');
  else await probeHttp(`${origin}/health/ready`);
}
