/** The place of one request in the order of replies. */
export interface Slot {
  readonly bytes: number;
  /** Writes the reply; undefined until it is there. */
  write: (() => void) | undefined;
}

/** Keeps replies in the order of their requests: what is ready before its turn waits. */
export class Replies {
  #slots: Slot[] = [];
  #head = 0;
  #bytes = 0;

  /** Requests without a reply. */
  get outstanding(): number {
    return this.#slots.length - this.#head;
  }

  /** Bytes of those requests. */
  get bytes(): number {
    return this.#bytes;
  }

  open(bytes: number): Slot {
    const slot: Slot = { bytes, write: undefined };
    this.#slots.push(slot);
    this.#bytes += bytes;
    return slot;
  }

  /** `write` runs now, or when all earlier replies are written. */
  answer(slot: Slot, write: () => void): void {
    slot.write = write;
    if (this.#slots[this.#head] === slot) this.#advance();
  }

  clear(): void {
    this.#slots = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  #advance(): void {
    for (;;) {
      const slot = this.#slots[this.#head];
      if (slot?.write === undefined) break;
      this.#head++;
      this.#bytes -= slot.bytes;
      slot.write();
    }
    if (this.#head === this.#slots.length) {
      this.#slots = [];
      this.#head = 0;
    } else if (this.#head >= 256) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
  }
}
