/** Linearizability of each node's writes and sync'd reads, judged by porcupine in a program of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { goProgram } from '../../clients/install.ts';
import { has } from '../../support/programs.ts';
import { CHAOS } from '../bounds.ts';
import { type Call, callsOf, type Timed } from '../history.ts';
import { Findings, type Verdict } from './verdict.ts';

/** One call on one node, as the program takes it; times in microseconds. */
interface Operation {
  readonly client: number;
  readonly call: number;
  /** Missing: nobody knows the outcome. */
  readonly return?: number;
  readonly kind: 'create' | 'set' | 'delete' | 'read';
  readonly value?: string;
  readonly version: number;
  readonly output: { readonly error?: string; readonly value?: string; readonly version?: number };
}

interface NodeVerdict {
  readonly node: string;
  readonly result: 'Ok' | 'Illegal' | 'Unknown';
  readonly operations: number;
  readonly picture?: string;
}

export const canCheckLinearizability = (): boolean => has('go', 'version');

/** @param pictures directory for a picture of each node that is not linearizable. */
export async function judgeLinearizability(entries: readonly Timed[], pictures = ''): Promise<Verdict> {
  const findings = new Findings('Writes and reads after a sync are linearizable');
  if (!canCheckLinearizability()) return { ...findings.verdict(), undecided: 'porcupine needs Go, which is not here' };
  const nodes: Record<string, Operation[]> = {};
  for (const call of callsOf(entries)) {
    for (const [path, operation] of operationsOf(call)) {
      nodes[path] ??= [];
      nodes[path].push(operation);
    }
  }
  // What was there before the run began is not in the history.
  for (const [path, operations] of Object.entries(nodes)) {
    if (operations.every(({ kind }) => kind === 'read')) delete nodes[path];
  }
  const undecided: string[] = [];
  for (const { node, result, operations, picture } of await run({ timeoutMs: CHAOS.checkMs, pictures, nodes })) {
    if (result === 'Unknown') undecided.push(node);
    const seen = picture === undefined ? '' : `; see ${picture}`;
    const problem = `the ${operations} calls on ${node} fit no order${seen}`;
    for (let at = 0; at < operations; at++) findings.look(at === 0 && result === 'Illegal' && problem);
  }
  const verdict = findings.verdict();
  if (undecided.length === 0) return verdict;
  return { ...verdict, undecided: `in ${CHAOS.checkMs / 1_000} s each: ${undecided.join(', ')}` };
}

/** What a call did to each node, as far as anybody can know. */
function operationsOf(call: Call): [path: string, operation: Operation][] {
  const { operation, outcome } = call;
  if (outcome.type === 'fail') return [];
  if (operation.f === 'append' || operation.f === 'ephemeral') return [];
  if (operation.f === 'read' && (!operation.sync || outcome.type === 'info')) return [];
  if (operation.f !== 'multi') {
    const kind = operation.f;
    const value = 'value' in operation ? operation.value : undefined;
    const version = 'version' in operation ? operation.version : -1;
    return [[operation.path, onNode(call, operation.path, { kind, value, version })]];
  }
  // Of a multi that was refused we know what it met at one node; at the others it did nothing.
  const blamed = outcome.type === 'ok' && outcome.result.error !== undefined ? outcome.result.path : undefined;
  const refused = outcome.type === 'ok' && outcome.result.error !== undefined;
  const sets = refused ? operation.sets.filter(({ path }) => path === blamed) : operation.sets;
  return sets.map(({ path, value }) => [path, onNode(call, path, { kind: 'set', value, version: -1 })]);
}

interface Asked extends Pick<Operation, 'kind' | 'version'> {
  readonly value: string | undefined;
}

function onNode(
  { client, invoked, returned, outcome }: Call,
  path: string,
  { kind, value, version }: Asked,
): Operation {
  const node = outcome.type === 'ok' ? outcome.result.nodes.find((found) => found.path === path) : undefined;
  const error = outcome.type === 'ok' ? outcome.result.error : undefined;
  return {
    client,
    call: Math.round(invoked * 1_000),
    ...(returned === undefined ? {} : { return: Math.round(returned * 1_000) }),
    kind,
    version,
    ...(value === undefined ? {} : { value }),
    output: {
      ...(error === undefined ? {} : { error }),
      ...(node === undefined ? {} : { value: node.value, version: node.version }),
    },
  };
}

async function run(request: object): Promise<readonly NodeVerdict[]> {
  const program = await goProgram(join(import.meta.dirname), 'checker');
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(request));
  const closed = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [output, code] = await Promise.all([text(child.stdout), closed]);
  if (code !== 0) throw new Error(`The checker ended with ${code}`);
  return JSON.parse(output) as NodeVerdict[];
}
