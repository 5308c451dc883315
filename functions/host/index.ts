/** What every program shares: configuration, HTTP server, CloudEvents, authentication, metrics, logs, shutdown. */
export { ConfigError, type Environment, readSettings, STORES_HELP } from './config.ts';
export { eventHeaders, type FunctionEvent, parseEvent } from './events.ts';
export { type EventHandler, type FunctionDefinition, on, readStoresConfig, runFunction } from './function.ts';
export { BATCH_SIZES, ProgramMetrics } from './metrics.ts';
export type { Problem, ProblemType } from './problems.ts';
export { type Program, type ProgramContext, type RunningProgram, runProgram } from './program.ts';
export { REVISION_HEADER } from './server.ts';
