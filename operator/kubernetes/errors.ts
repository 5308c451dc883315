/** The API server refused a request, or could not be reached (status 0). */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  /** HTTP status. */
  readonly status: number;
  /** Reason in one word, as the API server has it. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.reason = reason;
  }
}

export function isKubernetesError(error: unknown, status: number): boolean {
  return error instanceof KubernetesError && error.status === status;
}

/** The object is not there, or its kind is not known to the API server. */
export const isNotFound = (error: unknown): boolean => isKubernetesError(error, 404);
/** Somebody else changed it, or it is there already. */
export const isConflict = (error: unknown): boolean => isKubernetesError(error, 409);
