/** Why bytes are no record: they end too early, a length is negative, or more is claimed than the bound allows. */
export type JuteProblem = 'truncated' | 'negative-length' | 'too-long' | 'unexpected';

/** What a peer sent does not follow the protocol: the end of its connection, and of nothing else. */
export class JuteError extends Error {
  override readonly name = 'JuteError';
  readonly problem: JuteProblem;

  constructor(problem: JuteProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}
