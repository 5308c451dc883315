/** A small typed event emitter. A listener that throws stops nobody: its error is thrown on its own, as Node does. */
export class Emitter<Events extends { [Name in keyof Events]: readonly unknown[] }> {
  readonly #listeners: { [Name in keyof Events]?: Set<(...args: Events[Name]) => void> } = {};

  /** Calls the listener on each event from now on; returns what ends that. */
  on<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): () => void {
    this.#listeners[event] ??= new Set();
    this.#listeners[event].add(listener);
    return () => this.off(event, listener);
  }

  off<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => void): void {
    this.#listeners[event]?.delete(listener);
  }

  emit<Name extends keyof Events>(event: Name, ...args: Events[Name]): void {
    for (const listener of [...(this.#listeners[event] ?? [])]) callSafely(listener, ...args);
  }

  removeAll(): void {
    for (const event of Object.keys(this.#listeners) as (keyof Events)[]) delete this.#listeners[event];
  }
}

/** Calls a function of the user's; what it throws becomes an uncaught exception, not ours. */
export function callSafely<Args extends readonly unknown[]>(callback: (...args: Args) => void, ...args: Args): void {
  try {
    callback(...args);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
