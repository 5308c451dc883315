import type { SessionTicket } from '../invocations.ts';

interface Row {
  ticket: SessionTicket;
  /** When it was last heard of, ms. */
  heard: number;
  /** Not suspected again before this, ms. */
  quietUntil: number;
  suspected: boolean;
}

/** Width of a slot of the wheel, ms. */
const SLOT_MS = 250;

/**
 * The living sessions of an instance and when each was last heard of: plain data, driven by the times it is given.
 *
 * A session sits in one slot of a wheel, by the deadline it had when it was put there. A beat only notes the time; when
 * the slot is due, a session that was heard meanwhile moves to its new slot. So a beat costs one map look-up, and only
 * what may be due is looked at.
 */
export class SessionTable {
  readonly #rows = new Map<number, Row>();
  readonly #wheel = new Map<number, Set<number>>();
  /** No silence before this counts. */
  #graceFrom = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#rows.size;
  }

  get(id: number): SessionTicket | undefined {
    return this.#rows.get(id)?.ticket;
  }

  /** A session was opened, attached, or found in the applied state; older news of it is ignored. */
  put(ticket: SessionTicket, now: number): void {
    const row = this.#rows.get(ticket.id);
    if (row === undefined) {
      this.#rows.set(ticket.id, { ticket, heard: now, quietUntil: now, suspected: false });
      this.#schedule(ticket.id, now + ticket.timeout);
    } else if (ticket.generation > row.ticket.generation) {
      row.ticket = ticket;
      row.heard = now;
      row.suspected = false;
      this.#schedule(ticket.id, now + ticket.timeout);
    }
  }

  remove(id: number): void {
    this.#rows.delete(id);
  }

  clear(): void {
    this.#rows.clear();
    this.#wheel.clear();
  }

  /** The session is alive. */
  refresh(id: number, now: number): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    row.heard = now;
    // While it is suspected it is in no slot.
    if (row.suspected) this.#schedule(id, now + row.ticket.timeout);
    row.suspected = false;
  }

  /** Nobody could have been heard until now: everyone gets one more full timeout. */
  grace(now: number): void {
    this.#graceFrom = now;
  }

  /** Sessions that were silent for longer than their timeout, at most `limit`; each is suspected until told otherwise. */
  due(now: number, limit: number): SessionTicket[] {
    const due: SessionTicket[] = [];
    for (const [slot, ids] of this.#wheel) {
      if (slot * SLOT_MS > now) continue;
      for (const id of ids) {
        if (due.length >= limit) return due;
        ids.delete(id);
        const row = this.#rows.get(id);
        if (row === undefined || row.suspected) continue;
        const deadline = this.#deadline(row);
        if (deadline > now) {
          this.#schedule(id, deadline);
        } else {
          row.suspected = true;
          due.push(row.ticket);
        }
      }
      this.#wheel.delete(slot);
    }
    return due;
  }

  /** A suspicion led to nothing yet: it is raised again at `at` (ms) unless the session is heard before. */
  suspectAgain(id: number, at: number): void {
    const row = this.#rows.get(id);
    if (row === undefined || !row.suspected) return;
    row.suspected = false;
    row.quietUntil = at;
    this.#schedule(id, at);
  }

  /** Slots are rounded up: what moves out of a due slot goes to one that is not due. */
  #schedule(id: number, deadline: number): void {
    const slot = Math.ceil(deadline / SLOT_MS);
    const ids = this.#wheel.get(slot);
    if (ids === undefined) this.#wheel.set(slot, new Set([id]));
    else ids.add(id);
  }

  #deadline(row: Row): number {
    return Math.max(Math.max(row.heard, this.#graceFrom) + row.ticket.timeout, row.quietUntil);
  }
}
