/** Why a server could not be had; each message says what to do. */
export type ServerErrorCode =
  | 'PORT_TAKEN'
  | 'NOT_INSTALLED'
  | 'INSTALL_FAILED'
  | 'START_FAILED'
  | 'NOT_READY'
  | 'UNREACHABLE';

export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly code: ServerErrorCode;

  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The port that a server should listen on is in use by somebody else. */
export function portTaken(title: string, host: string, port: number, flag: string | undefined): ServerError {
  const hint = flag === undefined ? 'Choose another port' : `Choose another one with ${flag} <port>`;
  return new ServerError('PORT_TAKEN', `Port ${port} on ${host}, wanted by ${title}, is taken. ${hint}, or free it.`);
}

/** True if `error` is a system error with this code (not by instanceof: it may come from another realm). */
export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
