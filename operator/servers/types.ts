import type { FindOptions } from './find.ts';
import type { ManagedProcess } from './process.ts';

/** What every server is started with. */
export interface StartOptions extends FindOptions {
  /** Its data, generated secrets, configuration and log; made if it is missing, kept when the server stops. */
  readonly dataDir: string;
  /** 0 (the default) picks a free port. */
  readonly port?: number;
  /** The command line flag that changes the port, for error messages. */
  readonly portFlag?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

/** A server that we started. */
export interface RunningServer {
  readonly title: string;
  readonly host: string;
  readonly port: number;
  /** URL without credentials. */
  readonly address: string;
  readonly pid: number | undefined;
  readonly logFile: string;
  readonly process: ManagedProcess;
  kill(signal?: NodeJS.Signals): void;
  /** Ends the process if it runs and starts it again on the same port and data. */
  restart(signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where an S3 store is, and how to get in. */
export interface S3Address {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}
