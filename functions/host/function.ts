import { decodeAs, encode, type InstanceSpec } from '@faaskeeper/protocol';
import type { BaseIssue, BaseSchema } from 'valibot';
import type { Outside } from '../core/ports.ts';
import { type OpenStores, openStores, storesConfig, systemClock, systemRandom } from '../stores/index.ts';
import { ConfigError, type Environment, STORES_HELP } from './config.ts';
import { parseEvent } from './events.ts';
import { Instances } from './instances.ts';
import type { ProgramMetrics } from './metrics.ts';
import { ProblemError, problemOf } from './problems.ts';
import { type ProgramContext, type RunningProgram, runProgram } from './program.ts';

/** Handles one type of event. */
export interface EventHandler<Core> {
  handle(core: Core, data: Uint8Array): Promise<unknown>;
}

export interface FunctionDefinition<Core> {
  readonly name: string;
  /** One sentence for --help. */
  readonly summary: string;
  create(outside: Outside, spec: InstanceSpec): Core;
  /** By event type; see functions/core/invocations.ts. */
  readonly events: Readonly<Record<string, EventHandler<Core>>>;
}

/** A handler whose data is validated by `schema` first. */
export function on<Core, Data>(
  schema: BaseSchema<unknown, Data, BaseIssue<unknown>>,
  handle: (core: Core, data: Data) => Promise<unknown>,
): EventHandler<Core> {
  return { handle: (core, bytes) => handle(core, decodeData(schema, bytes)) };
}

function decodeData<Data>(schema: BaseSchema<unknown, Data, BaseIssue<unknown>>, bytes: Uint8Array): Data {
  try {
    return decodeAs(schema, bytes, 'event');
  } catch (cause) {
    throw new ProblemError('bad-event', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** Runs a function: an HTTP server that takes CloudEvents and hands their data to the instance's core object. */
export function runFunction<Core>(definition: FunctionDefinition<Core>): Promise<void> {
  const { name, summary } = definition;
  return runProgram({ name, summary, help: STORES_HELP, begin: (context) => beginFunction(definition, context) });
}

/** The stores' settings, as a ConfigError where they are wrong. */
export function readStoresConfig(environment: Environment): ReturnType<typeof storesConfig> {
  try {
    return storesConfig(environment);
  } catch (cause) {
    throw new ConfigError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function beginFunction<Core>(
  definition: FunctionDefinition<Core>,
  { environment, logger, metrics, tracing }: ProgramContext,
): RunningProgram {
  const config = readStoresConfig(environment);
  const incidents = metrics.incidents();
  let stores: OpenStores | undefined;
  const opening = openStores(config, { name: definition.name, logger, tracing, incidents }).then((open) => {
    stores = open;
    return open;
  });
  let watching = false;
  const instances = new Instances<Core>({
    lookUp: async (id) => {
      const open = await opening;
      const spec = await open.instanceSpec(id);
      // From the first one on, which makes the directory listen anyway; a start need not wait for it.
      if (spec !== undefined && !watching) {
        watching = true;
        open.watchInstances((change) => change.type === 'removed' && instances.remove(change.id));
      }
      return spec;
    },
    create: (spec) => {
      const log = logger.child({ instance: spec.id });
      const open = stores as OpenStores;
      const own = { clock: systemClock, random: systemRandom, logger: log, tracing, incidents: incidents(spec.id) };
      return definition.create({ ...open.instance(spec), ...own }, spec);
    },
    onCloseError: (instance, err) => logger.warn({ instance, err }, 'an instance could not be closed'),
    now: () => performance.now(),
  });
  const handlers = new Map(Object.entries(definition.events));
  const measured = functionMetrics(metrics, instances);
  return {
    started: opening,
    notReady: () => (stores === undefined ? 'connecting to the stores' : undefined),
    event: async (headers, body) => {
      const begun = performance.now();
      let type = 'unknown';
      try {
        const event = parseEvent(headers as Record<string, string>, body, handlers);
        type = event.type;
        const handler = handlers.get(type) as EventHandler<Core>;
        await opening;
        const work = () => instances.use(event.instance, (core) => handler.handle(core, event.data));
        if (tracing === undefined) return encode(await work());
        const parents = [headers['ce-traceparent']?.toString()];
        const attributes = { 'faaskeeper.instance': event.instance, 'cloudevents.event_type': type };
        return encode(await tracing.span(definition.name, { parents, kind: 'server', attributes }, work));
      } catch (error) {
        const problem = problemOf(error);
        measured.errors.inc({ type, problem: problem.type });
        const fields = {
          type,
          problem: problem.type,
          instance: headers['ce-subject'],
          event: headers['ce-id'],
          err: error,
        };
        if (problem.status >= 500) logger.error(fields, 'an event failed');
        else logger.warn(fields, 'an event was refused');
        throw error;
      } finally {
        measured.bytes.observe({ type }, body.length);
        measured.seconds.observe({ type }, (performance.now() - begun) / 1000);
      }
    },
    close: async () => {
      await instances.close();
      await stores?.close();
    },
  };
}

function functionMetrics(metrics: ProgramMetrics, instances: { readonly size: number }) {
  const gauge = metrics.gauge('faaskeeper_instances', 'Instances with a core object in this process');
  Object.assign(gauge, { collect: () => gauge.set(instances.size) });
  return {
    seconds: metrics.histogram('faaskeeper_event_duration_seconds', 'Time to handle an event', ['type']),
    bytes: metrics.histogram('faaskeeper_event_bytes', 'Size of the data of an event', ['type'], EVENT_BYTES),
    errors: metrics.counter('faaskeeper_event_errors_total', 'Events that were not handled', ['type', 'problem']),
  };
}

const EVENT_BYTES = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];
