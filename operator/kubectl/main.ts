/** `npx faaskeeper k8s …`: the shell on an instance in a cluster. */
import { parseArgs } from 'node:util';
import { runShell } from '@faaskeeper/client/shell';
import { findKubectl, forwardBinding, Kubectl, KubectlError } from './index.ts';

const help = `FaaSKeeper in a Kubernetes cluster

Usage: npx faaskeeper k8s [flags] shell <instance> [command of the shell]

Opens the shell on an instance through port-forwards to NATS and the S3 store, with the credentials of its binding
Secret. With a command, it runs that one: npx faaskeeper k8s -n shop shell orders ls -R /

  -n, --namespace <name>   of the resource (default: that of the kubeconfig's context)
  --context <name>         of the kubeconfig
  --kubeconfig <file>      default: $KUBECONFIG, ~/.kube/config
  -h, --help               this text

The kubectl program does the work: $FAASKEEPER_KUBECTL, or on PATH.
`;

const FLAGS = {
  namespace: { type: 'string', short: 'n' },
  context: { type: 'string' },
  kubeconfig: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

interface Arguments {
  readonly help: boolean;
  readonly namespace: string | undefined;
  /** Which cluster, for kubectl. */
  readonly cluster: readonly string[];
  readonly words: readonly string[];
}

/** Flags of ours stand before the shell's command; `shell orders -n shop` is understood, too. */
function parse(argv: readonly string[]): Arguments {
  const own: string[] = [];
  const words: string[] = [];
  const rest = [...argv];
  while (rest.length > 0 && words.length < 2) {
    const arg = rest.shift() as string;
    if (arg.startsWith('-')) own.push(arg, ...(takesValue(arg) ? rest.splice(0, 1) : []));
    else words.push(arg);
  }
  while (rest.length > 0 && isFlag(rest[0] as string))
    own.push(...rest.splice(0, takesValue(rest[0] as string) ? 2 : 1));
  const { values } = parseArgs({ args: own, options: FLAGS });
  const { namespace, context, kubeconfig } = values;
  return {
    help: values.help === true,
    namespace,
    cluster: [
      ...(context === undefined ? [] : ['--context', context]),
      ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ],
    words: [...words, ...rest],
  };
}

const isFlag = (arg: string) => /^(-n|--namespace|--context|--kubeconfig)(=|$)/.test(arg);
const takesValue = (arg: string) => isFlag(arg) && !arg.includes('=');

async function main(): Promise<number> {
  const { help: helpWanted, namespace, cluster, words } = parse(process.argv.slice(2));
  const [command, name, ...shell] = words;
  if (helpWanted || command === undefined) {
    process.stdout.write(help);
    return helpWanted ? 0 : 2;
  }
  if (command !== 'shell' || name === undefined) {
    console.error(`npx faaskeeper k8s shell <instance>: see npx faaskeeper k8s --help`);
    return 2;
  }
  const program = findKubectl();
  if (program === undefined) {
    console.error('kubectl is not on this machine: https://kubernetes.io/docs/tasks/tools/');
    return 1;
  }
  await using binding = await forwardBinding(new Kubectl(program, cluster), { namespace, name });
  return (await runShell(['--binding', binding.directory, ...(shell.length === 0 ? ['shell'] : shell)])) ?? 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const known = error instanceof KubectlError || (error as { code?: unknown }).code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION';
  console.error(known ? (error as Error).message : error);
  process.exitCode = 1;
}
