import type { ConditionType } from '../api/index.ts';
import type { ProbedServer } from '../probes/index.ts';
import { type Outcome, unknown } from './outcome.ts';
import type { Outside } from './ports.ts';

const CONDITION: Readonly<Record<ProbedServer, ConditionType>> = {
  nats: 'LogReady',
  redis: 'SystemStoreReady',
  s3: 'StorageReady',
};

/** What was last found out about the servers, as conditions of each instance that stands on them. */
export function storesOutcome({ probes }: Pick<Outside, 'probes'>): Outcome {
  const reports = probes.reports();
  if (reports === undefined) {
    const findings = Object.values(CONDITION).map((type) =>
      unknown(type, 'Checking', 'The server is being looked at.'),
    );
    return { findings };
  }
  return {
    findings: reports.map(({ server, ok, reason, message }) => ({
      type: CONDITION[server],
      status: ok ? 'True' : 'False',
      reason,
      message,
    })),
  };
}
