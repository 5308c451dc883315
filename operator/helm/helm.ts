import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { delimiter, dirname } from 'node:path';

/** Values of a chart, as in values.yaml. */
export type Values = Readonly<Record<string, unknown>>;

export interface HelmOptions {
  /** Default: that of the kubeconfig. */
  readonly namespace?: string;
  readonly values?: Values;
  /** Further flags, as `--wait`. */
  readonly flags?: readonly string[];
}

export interface HelmRelease {
  readonly name: string;
  readonly namespace: string;
  readonly revision: string;
  readonly status: string;
  readonly chart: string;
}

/** helm said no; the message is what it printed. */
export class HelmError extends Error {
  override readonly name = 'HelmError';
  /** Both outputs, for what hooks said. */
  readonly output: string;

  constructor(message: string, output: string, options?: ErrorOptions) {
    super(message, options);
    this.output = output;
  }
}

interface HelmTs {
  readonly default: {
    list(flags: { readonly namespace?: string; readonly allNamespaces?: boolean }): Promise<HelmRelease[]>;
  };
}

/** By require, since its default export is another one for ES modules than for transpiled ones. */
const { default: helmList } = createRequire(import.meta.url)('helm-ts') as HelmTs;

const OUTPUT_BYTES = 64 * 1024 * 1024;
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/**
 * The helm program. What is listed goes through helm-ts; the rest does not: its `install` throws after it has succeeded,
 * drops flags, and makes a line for the shell out of its arguments.
 */
export class Helm {
  readonly #program: string;
  readonly #env: NodeJS.ProcessEnv;

  /** @param program see findHelm. */
  constructor(program: string, env: NodeJS.ProcessEnv = process.env) {
    this.#program = program;
    this.#env = env;
  }

  /** helm-ts takes the program from PATH and the cluster from $KUBECONFIG, so both are those of this process. */
  async list(options: { readonly namespace?: string } = {}): Promise<readonly HelmRelease[]> {
    if (options.namespace !== undefined) checkName('namespace', options.namespace);
    const directory = dirname(this.#program);
    const path = process.env.PATH ?? '';
    if (!path.split(delimiter).includes(directory)) process.env.PATH = `${path}${delimiter}${directory}`;
    try {
      return await helmList.list(
        options.namespace === undefined ? { allNamespaces: true } : { namespace: options.namespace },
      );
    } catch (cause) {
      throw new HelmError(`helm list failed: ${(cause as Error).message}`, '', { cause });
    }
  }

  /** Problems as the error; otherwise what lint says. */
  async lint(chart: string, options: HelmOptions = {}): Promise<string> {
    return this.#run(['lint', chart], options);
  }

  /** The manifests of a release as YAML. */
  async template(release: string, chart: string, options: HelmOptions = {}): Promise<string> {
    return this.#run(['template', checkName('release', release), chart], options);
  }

  async install(release: string, chart: string, options: HelmOptions = {}): Promise<string> {
    return this.#run(['install', checkName('release', release), chart, '--create-namespace'], options);
  }

  async upgrade(release: string, chart: string, options: HelmOptions = {}): Promise<string> {
    return this.#run(['upgrade', checkName('release', release), chart], options);
  }

  rollback(
    release: string,
    options: Omit<HelmOptions, 'values'> & { readonly revision?: number } = {},
  ): Promise<string> {
    const revision = options.revision === undefined ? [] : [String(options.revision)];
    return this.#run(['rollback', checkName('release', release), ...revision], options);
  }

  /** What a release was installed with, without the chart's defaults. */
  async values(release: string, options: Omit<HelmOptions, 'values'> = {}): Promise<Values> {
    const text = await this.#run(['get', 'values', checkName('release', release), '--output', 'json'], options);
    return (JSON.parse(text) ?? {}) as Values;
  }

  async test(release: string, options: Omit<HelmOptions, 'values'> = {}): Promise<string> {
    return this.#run(['test', checkName('release', release)], options);
  }

  async uninstall(release: string, options: Omit<HelmOptions, 'values'> = {}): Promise<string> {
    return this.#run(['uninstall', checkName('release', release)], options);
  }

  #run(command: readonly string[], { namespace, values, flags = [] }: HelmOptions): Promise<string> {
    const args = [
      ...command,
      ...(namespace === undefined ? [] : ['--namespace', checkName('namespace', namespace)]),
      ...(values === undefined ? [] : ['--values', '-']),
      ...flags,
    ];
    return new Promise((resolve, reject) => {
      const settings = { env: this.#env, maxBuffer: OUTPUT_BYTES };
      const child = execFile(this.#program, args, settings, (cause, stdout, stderr) => {
        if (cause === null) resolve(stdout);
        else {
          const said = stderr.trim() || stdout.trim() || cause.message;
          reject(new HelmError(`helm ${command[0]} failed: ${said}`, `${stdout}\n${stderr}`, { cause }));
        }
      });
      child.stdin?.on('error', () => undefined); // helm ended before it read the values: its own words say why
      child.stdin?.end(values === undefined ? '' : JSON.stringify(values));
    });
  }
}

function checkName(what: string, name: string): string {
  if (name.length <= 53 && NAME.test(name)) return name;
  throw new HelmError(`${JSON.stringify(name)} is no name of a ${what}: a-z, 0-9 and -, at most 53 characters`, '');
}
