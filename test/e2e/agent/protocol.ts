/** What is said over stdin and stdout of the program in the pod: one JSON document a line. */
import type { LoadOptions, LoadReport, Verdict } from './load.ts';

export interface Commands {
  /** Opens a session of the native client, with nothing but the mounted binding; its id and what it took, ms. */
  open: { in: { session: string; timeoutMs?: number }; out: { id: number; ms: number } };
  /** Calls a method of the client; bytes come back as text. */
  call: { in: { session: string; method: string; args: unknown[] }; out: { value: unknown; ms: number } };
  /** The same call again and again, one after the other; ms of each. */
  repeat: { in: { session: string; method: string; args: unknown[]; times: number }; out: { ms: number[] } };
  state: { in: { session: string }; out: { id: number; state: string; past: string[] } };
  close: { in: { session: string }; out: object };
  /** Writes until `stop`. */
  load: { in: LoadOptions; out: object };
  progress: { in: object; out: LoadReport };
  stop: { in: object; out: LoadReport };
  /** Reads all that was acknowledged, through a session of its own. */
  verify: { in: object; out: Verdict };
  /** Every node below a path, as far as a reader can tell two trees apart. */
  tree: { in: { session: string; path: string }; out: { nodes: Record<string, unknown> } };
  http: {
    in: { url: string; method?: string; headers?: Record<string, string>; body?: string };
    out: { status: number; text: string };
  };
  /** Sends a text over TCP; what came back until the other side fell silent. */
  tcp: { in: { host: string; port: number; send: string }; out: { text: string } };
}
export type CommandName = keyof Commands;

export interface Request {
  readonly id: number;
  readonly command: CommandName;
  readonly input: unknown;
}

export type Answer =
  | { readonly id: number; readonly output: unknown }
  | { readonly id: number; readonly error: { readonly code?: string; readonly message: string } };
