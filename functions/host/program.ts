import { flushCompileCache } from 'node:module';
import type { Tracing } from '../core/tracing.ts';
import { type OpenTracing, openTracing, TRACING_HELP } from '../tracing/index.ts';
import { bearerCheck } from './auth.ts';
import { HOST } from './bounds.ts';
import { ConfigError, type Environment, HOST_HELP, type HostConfig, hostSettings, readSettings } from './config.ts';
import { createLogger, type ProgramLogger } from './log.ts';
import { ProgramMetrics } from './metrics.ts';
import { ProgramServer, type ServerRoutes } from './server.ts';

export interface ProgramContext {
  readonly config: HostConfig;
  readonly environment: Environment;
  readonly logger: ProgramLogger;
  readonly metrics: ProgramMetrics;
  /** undefined: no traces are wanted. */
  readonly tracing?: Tracing | undefined;
}

export interface RunningProgram {
  readonly event?: NonNullable<ServerRoutes['event']>;
  readonly notReady: () => string | undefined;
  /** Rejects when the program cannot start. */
  readonly started?: Promise<unknown>;
  /** Ends what goes on in the background; called before the last events are answered. */
  stop?(): Promise<void>;
  /** Closes handlers and connections. */
  close(): Promise<void>;
}

export interface Program {
  readonly name: string;
  /** One sentence for --help. */
  readonly summary: string;
  readonly help: readonly (readonly [name: string, text: string])[];
  /** Validates its settings (ConfigError) and begins; must not wait for anything outside. */
  begin(context: ProgramContext): RunningProgram;
}

/** Runs a program until SIGTERM or SIGINT; sets the exit code. */
export async function runProgram(program: Program): Promise<void> {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(helpText(program));
    return;
  }
  try {
    await run(program);
  } catch (error) {
    const known = error instanceof ConfigError || (error instanceof Error && 'code' in error);
    process.stderr.write(`${program.name}: ${known ? (error as Error).message : describe(error)}\n`);
    process.exit(1);
  }
}

async function run(program: Program): Promise<void> {
  const config = readSettings(hostSettings, process.env);
  const logger = createLogger(program.name, config.FAASKEEPER_LOG_LEVEL);
  const metrics = new ProgramMetrics(program.name);
  const traces = await openTracing(program.name, process.env);
  const running = program.begin({ config, environment: process.env, logger, metrics, tracing: traces?.tracing });
  const server = new ProgramServer({
    ...(running.event === undefined ? {} : { event: running.event }),
    notReady: running.notReady,
    metrics: async () => ({ type: metrics.contentType, text: await metrics.text() }),
    authorized: bearerCheck(config.FAASKEEPER_FUNCTION_TOKEN),
    revision: config.K_REVISION,
  });
  stopOnSignal({ name: program.name, logger, server, running, traces });
  const [port] = await Promise.all([server.listen(config.FAASKEEPER_HOST, config.PORT), running.started]);
  // Time since the process began: what a cold start costs, without the container.
  logger.info({ host: config.FAASKEEPER_HOST, port, startMs: Math.round(performance.now()) }, 'ready');
  flushCompileCache();
}

/** Stops accepting, answers what is in flight, closes handlers and connections, exits with 0; each step is bounded. */
function stopOnSignal(parts: {
  readonly name: string;
  readonly logger: ProgramLogger;
  readonly server: ProgramServer;
  readonly running: RunningProgram;
  readonly traces: OpenTracing | undefined;
}): void {
  const { name, logger, server, running, traces } = parts;
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping');
    try {
      await bounded(running.stop?.() ?? Promise.resolve(), HOST.drainTimeoutMs);
      if (!(await server.drain(HOST.drainTimeoutMs))) logger.warn({}, 'events in flight were abandoned');
      if (!(await bounded(running.close(), HOST.closeTimeoutMs))) logger.warn({}, 'connections did not close in time');
      if (traces !== undefined) await bounded(traces.close(), HOST.closeTimeoutMs);
    } catch (err) {
      logger.error({ err }, `${name} could not stop cleanly`);
    }
    logger.info({}, 'stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
}

/** False when `work` takes longer than `timeoutMs`. */
async function bounded(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), timeoutMs);
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function helpText({ name, summary, help }: Program): string {
  const settings = [...HOST_HELP, ...help, ...TRACING_HELP];
  const width = Math.max(...settings.map(([setting]) => setting.length));
  const lines = settings.map(([setting, text]) => `  ${setting.padEnd(width)}  ${text}`);
  return `${name}: ${summary}\n\nSettings (environment variables):\n${lines.join('\n')}\n`;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
