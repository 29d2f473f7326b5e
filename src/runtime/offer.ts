import type { Slots } from "#actors/scheduler/messages";
import type { RunId } from "#domain/id";
import { limits } from "#domain/limits";
import type { Leases } from "./leases.js";
import type { Roster } from "./roster.js";

/** What the scheduler may give out in one turn, in slots and in bytes. */
export interface Offer {
  readonly workers: readonly Slots[];
  /** Bytes of assignments that may be loaded; the last one may go beyond. */
  readonly room: number;
  /** Fresh ids, as many as Runs may be made. */
  readonly runIds: readonly RunId[];
}

export const NO_OFFER: Offer = { workers: [], room: 0, runIds: [] };

/** Workers with a free slot for whom there is room in bytes, and whether one was left out for want of it. */
export interface FreeWorkers {
  readonly workers: readonly Slots[];
  readonly room: number;
  readonly heldBack: boolean;
}

/**
 * A worker may have as many bytes waiting for its transport as are still free for all, but no more than one may
 * have: many that read slowly share the bound, and never take all of it from those that read.
 */
export function freeWorkers(roster: Roster, leases: Leases): FreeWorkers {
  const free = limits.unsentBytes - leases.unsentBytes();
  const most = Math.min(limits.unsentPerWorkerBytes, free);
  const workers: Slots[] = [];
  let heldBack = false;
  for (const slots of roster.withRoom()) {
    const sink = leases.sink(slots.session.id);
    if (!sink) continue; // its stream is gone, and it will be said so
    const room = most - sink.unsentBytes;
    if (room > 0) workers.push({ ...slots, room });
    else heldBack = true;
  }
  return { workers, room: Math.min(limits.turnAssignmentBytes, Math.max(0, free)), heldBack };
}
