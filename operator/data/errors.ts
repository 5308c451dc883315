/** Reasons, as conditions of Kubernetes name them. */
export type DataProblem =
  | 'BackupNotFound'
  | 'BackupDamaged'
  | 'BackupName'
  | 'LogInTheWay'
  | 'NothingCommitted'
  | 'StillServed'
  | 'StorageNotEmpty';

/** Work on an instance's data cannot go on as things are; the message says what is in the way and what to do. */
export class DataError extends Error {
  override readonly name = 'DataError';
  readonly reason: DataProblem;

  constructor(reason: DataProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
