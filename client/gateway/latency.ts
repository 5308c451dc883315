/** How long requests took, ms. */
export class Latency {
  #min = Number.POSITIVE_INFINITY;
  #sum = 0;
  #count = 0;
  max = 0;

  add(ms: number): void {
    this.#count++;
    this.#sum += ms;
    if (ms < this.#min) this.#min = ms;
    if (ms > this.max) this.max = ms;
  }

  get min(): number {
    return this.#count === 0 ? 0 : this.#min;
  }

  get avg(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  reset(): void {
    this.#min = Number.POSITIVE_INFINITY;
    this.#sum = 0;
    this.#count = 0;
    this.max = 0;
  }
}
