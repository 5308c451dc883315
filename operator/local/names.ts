/** The processes of a local FaaSKeeper. */
export const functionNames = ['writer', 'distributor', 'watch', 'heartbeat', 'trigger'] as const;
export type FunctionName = (typeof functionNames)[number];

export const serverNames = ['nats', 'redis', 's3'] as const;
export type LocalServerName = (typeof serverNames)[number];

export type ProcessName = LocalServerName | FunctionName | 'gateway';
export const processNames: readonly ProcessName[] = [...serverNames, ...functionNames, 'gateway'];

/** Chosen so that they are free on most machines; only the gateway has ZooKeeper's own, which its clients expect. */
export const defaultPorts: Readonly<Record<ProcessName, number>> = {
  nats: 8470,
  redis: 8471,
  s3: 8472,
  writer: 8473,
  distributor: 8474,
  watch: 8475,
  heartbeat: 8476,
  trigger: 8477,
  gateway: 2181,
};

export function portFlag(name: ProcessName): string {
  return `--${name}-port`;
}
