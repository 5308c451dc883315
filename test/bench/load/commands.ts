/** What the load generator is asked for, over its channel. It keeps sessions by the name of their system. */
export type LoadCommand =
  | {
      readonly type: 'open';
      readonly system: string;
      readonly host: string;
      readonly port: number;
      readonly count: number;
    }
  /** Creates `nodes` nodes below the root and reads them, so that they are cached where there is a cache. */
  | {
      readonly type: 'fill';
      readonly system: string;
      readonly root: string;
      readonly nodes: number;
      readonly sizeBytes: number;
    }
  /** Reads each node until a cache has it, all writes so far visible. */
  | { readonly type: 'warm'; readonly system: string; readonly root: string; readonly nodes: number }
  /** Resolves when everything written so far, by whomever, is visible. */
  | { readonly type: 'settle'; readonly system: string; readonly root: string }
  | ({ readonly type: 'run'; readonly system: string; readonly root: string } & LoadMix)
  /** Opens and closes sessions, `parallel` at a time, until that is done or `mostMs` are over. */
  | {
      readonly type: 'churn';
      readonly system: string;
      readonly host: string;
      readonly port: number;
      readonly count: number;
      readonly parallel: number;
      readonly mostMs: number;
    }
  /** Every open session watches the root; then the first one sets its data, again and again. */
  | { readonly type: 'fanout'; readonly system: string; readonly root: string; readonly writes: number }
  | { readonly type: 'close'; readonly system: string };

export interface LoadMix {
  /** Sessions with one request outstanding each. */
  readonly sessions: number;
  /** Of 100 requests; the others write. */
  readonly reads: number;
  readonly nodes: number;
  readonly sizeBytes: number;
  readonly ms: number;
}

/** How many sessions came and went, and how long it took. */
export interface Churn {
  readonly count: number;
  readonly ms: number;
}

/** From the request of a write to the event at half of the watchers, and at the last of them, ms; one of each a write. */
export interface Fanout {
  readonly half: readonly number[];
  readonly last: readonly number[];
}

export type LoadAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: string };
