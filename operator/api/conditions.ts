import { CONDITIONS, type Condition, type ConditionType } from './status.ts';

/** What was found about one condition. */
export interface Finding {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  /** One CamelCase word. */
  readonly reason: string;
  readonly message: string;
}

const MESSAGE_LENGTH = 1_024;

/** The conditions with what was found now; those that nothing was found about go. Times change with the status only. */
export function mergeConditions(
  before: readonly Condition[],
  findings: readonly Finding[],
  { generation, now }: { readonly generation: number; readonly now: Date },
): Condition[] {
  const found = new Map(findings.map((finding) => [finding.type, finding]));
  return CONDITIONS.flatMap((type) => {
    const finding = found.get(type);
    if (finding === undefined) return [];
    const previous = before.find((condition) => condition.type === type);
    const { status, reason, message } = finding;
    return {
      type,
      status,
      observedGeneration: generation,
      lastTransitionTime:
        previous?.status === status ? previous.lastTransitionTime : now.toISOString().replace(/\.\d+Z$/, 'Z'),
      reason,
      message: message.length > MESSAGE_LENGTH ? `${message.slice(0, MESSAGE_LENGTH - 1)}…` : message,
    };
  });
}

export function findCondition(conditions: readonly Condition[], type: ConditionType): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}
