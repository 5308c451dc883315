/** The same instance as on Kubernetes, run as processes on one machine. */
export type { Binding } from './binding.ts';
export { buildClient, buildFunctions, buildGateway, functionsDir } from './build.ts';
export { HomeError, UsageError } from './errors.ts';
export { functionEnvironment } from './functions.ts';
export { type FunctionName, functionNames, type ProcessName } from './names.ts';
export { type LocalFaaSKeeper, type LocalOptions, startLocal } from './start.ts';
export { type LocalStatus, localStatus } from './status.ts';
export type { LocalProcess } from './supervised.ts';
