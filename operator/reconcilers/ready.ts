import type { ConditionType, Finding } from '../api/index.ts';
import { fails, holds } from './outcome.ts';

/** What must hold for an instance to be of use, in the order in which it is told of. */
const NEEDED: readonly ConditionType[] = [
  'LogReady',
  'SystemStoreReady',
  'StorageReady',
  'Restored',
  'FunctionsReady',
  'GatewayReady',
];

/** Ready, from everything else. */
export function readyFinding(
  findings: readonly Finding[],
  { suspended, failure }: { readonly suspended: boolean; readonly failure: Finding | undefined },
): Finding {
  if (failure !== undefined) return failure;
  if (suspended) return fails('Ready', 'Suspended', 'spec.suspend is true: nobody is served, the data stays.');
  for (const type of NEEDED) {
    const finding = findings.find((one) => one.type === type);
    const isFine = finding === undefined || finding.status === 'True' || finding.reason === 'Disabled';
    if (!isFine) return { ...finding, type: 'Ready', status: 'False' };
  }
  return holds('Ready', 'Ready', 'Clients can be served.');
}
