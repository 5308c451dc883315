/** Writers that remember everything that was acknowledged, and the reader that looks for it afterwards. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FaaSKeeper } from '@faaskeeper/client';

export interface LoadOptions {
  /** Node that the load lives below; it is made. */
  readonly root: string;
  /** Sessions, with one writer each. */
  readonly sessions: number;
  /** Between two writes of one session. */
  readonly pauseMs: number;
  readonly sessionTimeoutMs: number;
}

export interface LoadReport {
  readonly acknowledged: number;
  /** Writes that failed, by code. */
  readonly failed: Readonly<Record<string, number>>;
  /** Longest time without any acknowledged write since the last report. */
  readonly longestGapMs: number;
  readonly p50Ms: number;
  readonly maxMs: number;
  /** States that sessions went through, after the first `connected`. */
  readonly states: Readonly<Record<string, number>>;
}

/** What a verification found; everything but `checked` ought to be empty. */
export interface Verdict {
  readonly checked: number;
  /** Acknowledged, and not there or with other data. */
  readonly lost: readonly string[];
  /** There, although nobody wrote it, or written twice. */
  readonly doubled: readonly string[];
  /** Sessions that are over, or ephemeral nodes of living sessions that are gone. */
  readonly sessions: readonly string[];
}

/** Reads at the same time. */
const READERS = 32;
/** Enough for a percentile; the newest are kept. */
const LATENCIES = 20_000;

interface Writer {
  readonly name: string;
  readonly client: FaaSKeeper;
  readonly session: number;
  /** Path to data, of every node that was acknowledged. */
  readonly created: Map<string, string>;
  /** Acknowledged changes of its counter: also its version. */
  changes: number;
}

export class Load {
  readonly #options: LoadOptions;
  readonly #writers: Writer[] = [];
  readonly #failed: Record<string, number> = {};
  readonly #states: Record<string, number> = {};
  readonly #latencies: number[] = [];
  readonly #doubled: string[] = [];
  #acknowledged = 0;
  #lastAt = performance.now();
  #gap = 0;
  #stopping = false;
  #running: Promise<unknown> = Promise.resolve();

  private constructor(options: LoadOptions) {
    this.#options = options;
  }

  static async start(options: LoadOptions): Promise<Load> {
    const load = new Load(options);
    for (let at = 0; at < options.sessions; at++) load.#writers.push(await load.#open(`w${at}`));
    load.#lastAt = performance.now();
    load.#running = Promise.all(load.#writers.map((writer) => load.#write(writer)));
    return load;
  }

  report(): LoadReport {
    const gap = Math.max(this.#gap, performance.now() - this.#lastAt);
    this.#gap = 0;
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return {
      acknowledged: this.#acknowledged,
      failed: { ...this.#failed },
      longestGapMs: Math.round(gap),
      p50Ms: sorted[Math.floor(sorted.length / 2)] ?? 0,
      maxMs: sorted.at(-1) ?? 0,
      states: { ...this.#states },
    };
  }

  async stop(): Promise<LoadReport> {
    this.#stopping = true;
    await this.#running;
    return this.report();
  }

  async verify(): Promise<Verdict> {
    const reader = await FaaSKeeper.fromBinding(undefined, { cache: false });
    const lost: string[] = [];
    const doubled = [...this.#doubled];
    const sessions: string[] = [];
    let checked = 0;
    await reader.sync('/');
    for (const { name, client, session, created, changes } of this.#writers) {
      const base = `${this.#options.root}/${name}`;
      const children = await reader.getChildren(base);
      for (const child of children) if (!created.has(`${base}/${child}`)) doubled.push(`${base}/${child}`);
      const wanted = [...created];
      await Promise.all(
        Array.from({ length: READERS }, async () => {
          for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
            const [path, text] = next;
            checked++;
            if ((await textAt(reader, path))?.text !== text) lost.push(path);
          }
        }),
      );
      const counter = await textAt(reader, `${base}-counter`);
      checked += changes;
      if (counter?.version !== changes || counter.text !== String(changes)) {
        lost.push(`${base}-counter: ${changes} changes, version ${counter?.version}, data ${counter?.text}`);
      }
      const living = await reader.exists(`${base}-live`);
      if (client.state !== 'connected') sessions.push(`${name} is ${client.state}`);
      if (living?.ephemeralOwner !== session) sessions.push(`${base}-live is owned by ${living?.ephemeralOwner}`);
    }
    await reader.close();
    return { checked, lost: some(lost), doubled: some(doubled), sessions };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writers.map(({ client }) => client.close()));
  }

  async #open(name: string): Promise<Writer> {
    const client = await FaaSKeeper.fromBinding(undefined, {
      sessionTimeout: this.#options.sessionTimeoutMs,
      requestTimeout: Number.POSITIVE_INFINITY,
    });
    client.on('state', (state) => {
      this.#states[state] = (this.#states[state] ?? 0) + 1;
    });
    const base = `${this.#options.root}/${name}`;
    await client.create(this.#options.root).catch((error: { code?: string }) => {
      if (error.code !== 'NodeExists') throw error;
    });
    await client.create(base);
    await client.create(`${base}-counter`, '0');
    await client.create(`${base}-live`, null, { mode: 'EPHEMERAL' });
    return { name, client, session: client.sessionId, created: new Map(), changes: 0 };
  }

  async #write(writer: Writer): Promise<void> {
    const base = `${this.#options.root}/${writer.name}`;
    for (let at = 0; !this.#stopping; at++) {
      const begun = performance.now();
      try {
        if (at % 2 === 0) {
          const text = `${writer.name}:${at}`;
          const path = await writer.client.create(`${base}/n-`, text, { mode: 'PERSISTENT_SEQUENTIAL' });
          if (writer.created.has(path)) this.#doubled.push(path);
          writer.created.set(path, text);
        } else {
          const { version } = await writer.client.setData(
            `${base}-counter`,
            String(writer.changes + 1),
            writer.changes,
          );
          if (version !== writer.changes + 1) this.#doubled.push(`${base}-counter: version ${version}`);
          writer.changes++;
        }
        this.#acknowledge(begun);
      } catch (error) {
        const code = (error as { code?: string }).code ?? String(error);
        this.#failed[code] = (this.#failed[code] ?? 0) + 1;
        if (writer.client.state === 'expired' || writer.client.state === 'closed') return;
        await sleep(100);
      }
      await sleep(this.#options.pauseMs);
    }
  }

  #acknowledge(begun: number): void {
    const now = performance.now();
    this.#acknowledged++;
    this.#gap = Math.max(this.#gap, now - this.#lastAt);
    this.#lastAt = now;
    this.#latencies.push(now - begun);
    if (this.#latencies.length > LATENCIES) this.#latencies.splice(0, LATENCIES / 2);
  }
}

async function textAt(client: FaaSKeeper, path: string): Promise<{ text: string; version: number } | undefined> {
  try {
    const { data, stat } = await client.getData(path);
    return { text: Buffer.from(data ?? []).toString(), version: stat.version };
  } catch (error) {
    if ((error as { code?: string }).code === 'NoNode') return undefined;
    throw error;
  }
}

const some = (list: readonly string[]) =>
  list.length <= 20 ? list : [...list.slice(0, 20), `… and ${list.length - 20} more`];
