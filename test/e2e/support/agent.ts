/** The program in a pod that a test talks to: a user's own pod, with the binding Secret mounted. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Answer, CommandName, Commands } from '../agent/protocol.ts';
import type { Name } from './instances.ts';
import { kubectl, run } from './run.ts';

/** A call in the pod failed; `code` is that of the client's error. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

const BINDINGS = '/bindings';
const PROGRAM = '/agent/agent.mjs';

export interface AgentOptions {
  readonly namespace: string;
  readonly pod: string;
  /** Its binding is mounted; without, none is. */
  readonly instance?: Name & { readonly secretName: string };
}

export class Agent implements AsyncDisposable {
  readonly #options: AgentOptions;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #last = 0;

  private constructor(options: AgentOptions, child: ChildProcessWithoutNullStreams) {
    this.#options = options;
    this.#child = child;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-4_096);
    });
    child.stdin.on('error', () => undefined);
    child.once('close', (code) => {
      for (const one of this.#waiting.values()) one.reject(new AgentError(`The agent ended with ${code}: ${said}`));
      this.#waiting.clear();
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.#answered(JSON.parse(line) as Answer));
  }

  /** Makes the pod and starts its program. */
  static async start(options: AgentOptions): Promise<Agent> {
    const { namespace, pod } = options;
    const cli = kubectl();
    await cli.run(['apply', '--filename', '-'], JSON.stringify(podManifest(options)));
    await cli.run(['wait', '--namespace', namespace, '--for=condition=Ready', `pod/${pod}`, '--timeout=120s']);
    const copy = `process.stdin.pipe(require('node:fs').createWriteStream('${PROGRAM}'))`;
    const exec = ['exec', '--namespace', namespace, '--stdin', pod, '--', 'node'];
    await cli.run([...exec, '-e', copy], await readFile(run().agent, 'utf8'));
    return new Agent(options, cli.start([...exec, PROGRAM]));
  }

  ask<C extends CommandName>(command: C, input: Commands[C]['in']): Promise<Commands[C]['out']> {
    const id = ++this.#last;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.stdin.write(`${JSON.stringify({ id, command, input })}\n`);
    return waiting.promise as Promise<Commands[C]['out']>;
  }

  /** A method of a session's client; what it returned. */
  async call<Value = unknown>(session: string, method: string, ...args: unknown[]): Promise<Value> {
    return (await this.ask('call', { session, method, args })).value as Value;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    if (this.#child.exitCode === null && this.#child.signalCode === null) await closed;
    clearTimeout(timer);
    const { namespace, pod } = this.#options;
    const now = ['--grace-period=0', '--force', '--ignore-not-found'];
    await kubectl().run(['delete', 'pod', pod, '--namespace', namespace, ...now]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(new AgentError(answer.error.message, answer.error.code));
    else waiting?.resolve(answer.output);
  }
}

/** The image is the project's own, as it is there for certain; a user's would be any with Node in it. */
function podManifest({ namespace, pod, instance }: AgentOptions): object {
  const bound = instance === undefined ? [] : [{ name: 'binding', secret: { secretName: instance.secretName } }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name: pod },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'agent',
          image: run().image,
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '-e', 'setInterval(() => {}, 1e9)'],
          env: [{ name: 'SERVICE_BINDING_ROOT', value: BINDINGS }],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [
            { name: 'agent', mountPath: '/agent' },
            ...bound.map(({ name }) => ({ name, mountPath: `${BINDINGS}/faaskeeper`, readOnly: true })),
          ],
        },
      ],
      volumes: [{ name: 'agent', emptyDir: {} }, ...bound],
    },
  };
}

/** A pod beside a ready instance, with its binding. */
export function agentOf(instance: Name & { readonly secretName: string }, pod = 'client'): Promise<Agent> {
  return Agent.start({ namespace: instance.namespace, pod, instance });
}
