/** What the bench asks of a system, whichever it is. One client is one session. */
export interface BenchClient {
  create(path: string, data: Uint8Array): Promise<unknown>;
  /** Creates all of them, empty, in one multi. */
  createAll(paths: readonly string[]): Promise<unknown>;
  /** Sets the data of all of them in one multi. */
  setAll(paths: readonly string[], data: Uint8Array): Promise<unknown>;
  setData(path: string, data: Uint8Array): Promise<unknown>;
  delete(path: string): Promise<unknown>;
  getData(path: string): Promise<unknown>;
  exists(path: string): Promise<unknown>;
  getChildren(path: string): Promise<unknown>;
  /** Resolves when everything this client wrote is visible to whoever reads. */
  settled(path: string): Promise<unknown>;
  /** Calls `onChange` at each change of the node's data until the client is closed; resolves when that is certain. */
  watch(path: string, onChange: () => void): Promise<unknown>;
  close(): Promise<void>;
}

/** What a server holds after a garbage collection, bytes. */
export interface Memory {
  /** Of the process, as the operating system counts it. */
  readonly resident: number;
  /** Reachable objects and buffers. */
  readonly live: number;
}

/** Where ZooKeeper's clients find the system. */
export interface WireServer {
  readonly host: string;
  readonly port: number;
  /** undefined: it is not ours to look into. */
  memory(): Promise<Memory | undefined>;
  /** CPU time that all processes of the system have taken so far, ms; undefined: they are not ours to look into. */
  cpuMs(): Promise<number | undefined>;
  /** What all processes of the system hold now, bytes; undefined: they are not ours to look into. */
  residentBytes(): Promise<number | undefined>;
}

/** A running system. */
export interface BenchSystem {
  readonly name: SystemName;
  /** Its client keeps what it reads. */
  readonly hasCache: boolean;
  readonly wire: WireServer;
  /** For the report: what runs, in which version. */
  readonly versions: Readonly<Record<string, string>>;
  /** A new session. With `cache`, reads may be answered from the client's memory. */
  connect(options?: { readonly cache?: boolean }): Promise<BenchClient>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** FaaSKeeper with its nodes in S3 and with Hybrid user storage; ZooKeeper standalone and as an ensemble of three. */
export const systemNames = ['faaskeeper', 'hybrid', 'zookeeper', 'ensemble'] as const;
export type SystemName = (typeof systemNames)[number];
export const ownSystems = ['faaskeeper', 'hybrid'] as const satisfies readonly SystemName[];
export type OwnSystem = (typeof ownSystems)[number];

export const systemTitles: Readonly<Record<SystemName, string>> = {
  faaskeeper: 'FaaSKeeper',
  hybrid: 'Hybrid',
  zookeeper: 'ZooKeeper',
  ensemble: 'ZooKeeper ×3',
};
