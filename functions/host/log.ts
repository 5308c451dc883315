import { pino } from 'pino';
import type { Logger } from '../core/ports.ts';

export interface ProgramLogger extends Logger {
  /** A logger that adds fields to each line. */
  child(fields: object): Logger;
}

/** JSON lines on standard output: level, time (ms), program, msg, and `instance`, `session`, `zxid` where they apply. */
export function createLogger(program: string, level: string): ProgramLogger {
  return pino({
    level,
    base: { program },
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err, cause: pino.stdSerializers.err },
  });
}
