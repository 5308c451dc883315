import { isDeepStrictEqual } from 'node:util';

/** What signs the requests to the store. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys. */
  readonly sessionToken?: string | undefined;
}

/** Keys are looked up again after so long, ms: renewed ones take over before the old ones end. */
const FRESH_MS = 60_000;

/** The credentials that hold now; where they come from is asked again when the store refuses them, and now and then. */
export class KeyRing<Keys extends object = S3Keys> {
  readonly #renew: (() => Promise<Keys>) | undefined;
  #current: Keys;
  #asked = Date.now();
  #asking: Promise<void> | undefined;

  constructor(first: Keys, renew?: () => Promise<Keys>) {
    this.#current = first;
    this.#renew = renew;
  }

  get current(): Keys {
    if (Date.now() - this.#asked > FRESH_MS) void this.#ask();
    return this.#current;
  }

  /** True when there are other keys than the refused ones. */
  async replaced(refused: Keys): Promise<boolean> {
    if (this.#current === refused) await this.#ask();
    return this.#current !== refused;
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askOnce(): Promise<void> {
    this.#asked = Date.now();
    // The old ones may still do; if not, the store says so.
    const now = await this.#renew?.().catch(() => undefined);
    if (now !== undefined && !isDeepStrictEqual(now, this.#current)) this.#current = now;
  }
}
