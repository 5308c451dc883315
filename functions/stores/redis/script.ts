import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A server-side script: Redis runs it without interruption by any other command. */
export interface Script {
  readonly text: string;
  /** What EVALSHA knows it by. */
  readonly sha1: string;
}

export function defineScript(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

export type ScriptArgument = string | number | Buffer;
/** Bulk strings come as Buffers, whatever bytes they hold. */
export type ScriptReply = Buffer | number | null | ScriptReply[];

/** Runs a script by its hash; a server that does not know it (after a restart or SCRIPT FLUSH) gets its text. */
export async function runScript(
  redis: Redis,
  script: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<ScriptReply> {
  const rest = [keys.length, ...keys, ...args];
  try {
    return (await redis.callBuffer('EVALSHA', [script.sha1, ...rest])) as ScriptReply;
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return (await redis.callBuffer('EVAL', [script.text, ...rest])) as ScriptReply;
  }
}

/** Lua: calls COMMAND key, arguments... in pieces that fit the stack of Redis' Lua (below 8,000). */
export const IN_CHUNKS = `
local function in_chunks(command, key, arguments)
  for first = 1, #arguments, 4000 do
    redis.call(command, key, unpack(arguments, first, math.min(first + 3999, #arguments)))
  end
end
`;
