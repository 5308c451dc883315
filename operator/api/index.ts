/** The resource `FaaSKeeper`: its schema, types, names and conditions. */
export { type Finding, findCondition, mergeConditions } from './conditions.ts';
export { customResourceDefinition } from './crd.ts';
export type { FaaSKeeper, ObjectMeta } from './faaskeeper.ts';
export * from './names.ts';
export type { BackupDestination, FaaSKeeperSpec, FunctionScale, Resources } from './spec.ts';
export { CONDITIONS, type Condition, type ConditionType, type FaaSKeeperStatus } from './status.ts';
