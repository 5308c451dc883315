/**
 * The time of day to a part of a ms, as Date tells it only to a whole one: spans of several processes are put side by
 * side. Follows Date when the time of day is set.
 */
export class WallClock {
  /** What is to be added to the monotonic time. */
  #offset = performance.timeOrigin;

  /** ms since 1970. */
  now(): number {
    const wall = Date.now();
    const precise = performance.now() + this.#offset;
    // The true time is in this ms: each look narrows what the offset can be.
    if (precise < wall) this.#offset += wall - precise;
    else if (precise >= wall + 1) this.#offset -= precise - wall - 1;
    else return precise;
    return performance.now() + this.#offset;
  }
}
