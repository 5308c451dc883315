/** The command line or environment is not right. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** This home cannot be started as asked. */
export class HomeError extends Error {
  override readonly name = 'HomeError';
  readonly code: 'RUNNING' | 'OTHER_STORE' | 'NO_HOME';

  constructor(code: HomeError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
