import { decodeAs, encode, isFaaSKeeperError } from '@faaskeeper/protocol';
import { Distributor } from '../../functions/core/distributor/index.ts';
import { Heartbeat } from '../../functions/core/heartbeat/index.ts';
import {
  checkpointInvocationSchema,
  EVENT_TYPES,
  requestsInvocationSchema,
  suspectsInvocationSchema,
  sweepInvocationSchema,
  transactionsInvocationSchema,
} from '../../functions/core/invocations.ts';
import { type Functions, InvocationError, Trigger, type TriggerMetrics } from '../../functions/core/trigger/index.ts';
import { Writer } from '../../functions/core/writer/index.ts';
import { SimProcess } from './process.ts';
import type { Surroundings } from './surroundings.ts';

type FunctionName = 'writer' | 'distributor' | 'heartbeat';
type Handler = (type: string, data: Uint8Array) => Promise<unknown>;

/** How functions are called and started; the nemesis changes it. */
export interface FunctionWeather {
  delayMs: number;
  /** Chance that an invocation is lost, that its answer is, that it is handed to two processes. */
  lostRequest: number;
  lostAnswer: number;
  duplicate: number;
  /** Chance that a new process is started although there is one. */
  scaleOut: number;
  /** Chance that the process that takes an invocation dies within `crashMs`: before, while or just after it answers. */
  crash: number;
  crashMs: number;
  coldStartMs: number;
}

const NAME_OF: Readonly<Record<string, FunctionName>> = {
  [EVENT_TYPES.requests]: 'writer',
  [EVENT_TYPES.transactions]: 'distributor',
  [EVENT_TYPES.checkpoint]: 'distributor',
  [EVENT_TYPES.suspects]: 'heartbeat',
  [EVENT_TYPES.sweep]: 'heartbeat',
};

/** Processes of one function at a time. */
const MAX_REPLICAS = 3;
/** The longest time until a lost answer is noticed as a broken connection, ms. */
const RESET_MS = 3_000;

interface Replica {
  readonly process: SimProcess;
  readonly handle: Handler;
}

/** The functions, as Knative would run them, and the triggers that call them. */
export class Programs {
  readonly weather: FunctionWeather = {
    delayMs: 0.5,
    lostRequest: 0,
    lostAnswer: 0,
    duplicate: 0,
    scaleOut: 0,
    crash: 0,
    crashMs: 200,
    coldStartMs: 200,
  };
  /** Why instances were halted, if they were. */
  readonly halts: string[] = [];
  readonly #world: Surroundings;
  readonly #replicas: Record<FunctionName, Replica[]> = { writer: [], distributor: [], heartbeat: [] };
  readonly #triggers: SimProcess[] = [];
  #started = 0;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  get processes(): SimProcess[] {
    const replicas = Object.values(this.#replicas).flat();
    return [...replicas.map(({ process }) => process), ...this.#triggers].filter(({ alive }) => alive);
  }

  get triggers(): SimProcess[] {
    return this.#triggers.filter(({ alive }) => alive);
  }

  replicas(name: FunctionName): SimProcess[] {
    return this.#alive(name).map(({ process }) => process);
  }

  startTrigger(): SimProcess {
    const world = this.#world;
    const process = new SimProcess(world.scheduler, `trigger-${++this.#started}`);
    process.note('starts');
    this.#triggers.push(process);
    const functions: Functions = {
      invoke: (type, _instance, data, timeoutMs) => this.#invoke(process, { type, data, timeoutMs }),
    };
    const trigger = new Trigger({
      clock: process.monotonic,
      logger: process.logger,
      holder: process.name,
      outside: () => ({
        ...world.outside(process),
        clock: process.monotonic,
        functions,
        metrics: NO_METRICS,
        lane: (name) => world.lane(process, name),
      }),
    });
    world.connections(process).nats.onConnection((connected) => trigger.connection(connected));
    trigger.start();
    trigger.declare(world.spec);
    return process;
  }

  /** One more process of a function. */
  start(name: FunctionName): Replica {
    const world = this.#world;
    const process = new SimProcess(world.scheduler, `${name}-${++this.#started}`);
    process.note('starts');
    const replica = { process, handle: this.#core(name, process) };
    this.#replicas[name] = [...this.#alive(name), replica];
    return replica;
  }

  #alive(name: FunctionName): Replica[] {
    return this.#replicas[name].filter(({ process }) => process.alive);
  }

  #core(name: FunctionName, process: SimProcess): Handler {
    const outside = this.#world.outside(process);
    const { spec } = this.#world;
    switch (name) {
      case 'writer': {
        const writer = new Writer(outside, spec);
        return (_, data) => writer.handle(decodeAs(requestsInvocationSchema, data, 'event'));
      }
      case 'distributor': {
        const distributor = new Distributor(outside, spec);
        return (type, data) => {
          if (type === EVENT_TYPES.transactions)
            return distributor.handle(decodeAs(transactionsInvocationSchema, data, 'event'));
          return distributor.checkpoint(decodeAs(checkpointInvocationSchema, data, 'event'));
        };
      }
      case 'heartbeat': {
        const heartbeat = new Heartbeat(outside, spec);
        return (type, data) =>
          type === EVENT_TYPES.suspects
            ? heartbeat.suspects(decodeAs(suspectsInvocationSchema, data, 'event'))
            : heartbeat.sweep(decodeAs(sweepInvocationSchema, data, 'event'));
      }
    }
  }

  /** One POST of a trigger. */
  #invoke(
    caller: SimProcess,
    { type, data, timeoutMs }: { type: string; data: Uint8Array; timeoutMs: number },
  ): Promise<Uint8Array> {
    const { weather } = this;
    const { chance } = caller;
    const name = NAME_OF[type];
    if (name === undefined) return Promise.reject(new InvocationError(`No function takes ${type}`));
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new InvocationError(`The ${name} did not answer: ${why}`));
      const patience = caller.after(timeoutMs, 'timeout', () => fail('timeout'));
      const late = () => caller.after(chance.fraction() * RESET_MS, 'reset', () => fail('reset'));
      if (chance.happens(weather.lostRequest)) return void late();
      const answer = (result: { body: Uint8Array } | { error: unknown }) => {
        if (chance.happens(weather.lostAnswer)) return void late();
        caller.after(chance.around(weather.delayMs), 'answer', () => {
          patience.cancel();
          if ('body' in result) resolve(result.body);
          else reject(this.#problem(name, result.error));
        });
      };
      this.#post(
        name,
        { type, data: data.slice(), delayMs: chance.around(weather.delayMs) },
        answer,
        () => void late(),
      );
      if (!chance.happens(weather.duplicate)) return;
      const delayMs = chance.fraction() * RESET_MS;
      this.#post(
        name,
        { type, data: data.slice(), delayMs },
        () => undefined,
        () => undefined,
      );
    });
  }

  #post(
    name: FunctionName,
    event: { type: string; data: Uint8Array; delayMs: number },
    answer: (result: { body: Uint8Array } | { error: unknown }) => void,
    onDeath: () => void,
  ): void {
    const { scheduler } = this.#world;
    scheduler.after(event.delayMs, 'invoke', () => {
      const { process, handle, delayMs } = this.#choose(name);
      let over = false;
      process.onDeath(() => {
        if (!over) onDeath();
      });
      process.after(delayMs, 'handle', () => {
        if (process.chance.happens(this.weather.crash))
          process.after(process.chance.fraction() * this.weather.crashMs, 'crash', () => process.crash());
        handle(event.type, event.data).then(
          (result) => {
            over = true;
            answer({ body: encode(result) });
          },
          (error: unknown) => {
            over = true;
            process.note(`fails: ${String(error)}`);
            answer({ error });
          },
        );
      });
    });
  }

  #choose(name: FunctionName): Replica & { delayMs: number } {
    const { chance } = this.#world.scheduler;
    const alive = this.#alive(name);
    const more = alive.length < MAX_REPLICAS && chance.happens(this.weather.scaleOut);
    if (alive.length === 0 || more) return { ...this.start(name), delayMs: chance.around(this.weather.coldStartMs) };
    return { ...chance.pick(alive), delayMs: 0 };
  }

  #problem(name: FunctionName, error: unknown): InvocationError {
    const message = `The ${name} answered: ${String(error)}`;
    const halted = isFaaSKeeperError(error) && error.code === 'Halted' ? error.message : undefined;
    if (halted === undefined) return new InvocationError(message, { status: 500 });
    this.halts.push(halted);
    return new InvocationError(message, { status: 503, halted });
  }
}

const nothing = () => undefined;
const NO_METRICS: TriggerMetrics = {
  batch: nothing,
  failure: nothing,
  state: nothing,
  sessions: nothing,
  suspects: nothing,
  watermark: nothing,
  owned: nothing,
  halted: nothing,
  forget: nothing,
};
