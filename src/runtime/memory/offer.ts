import type { Offer, Slots } from "#actors/scheduler/messages";
import { mayHaveMore } from "#actors/scheduler/placement";
import { limits } from "#limits/index";
import type { Leases } from "../timers/leases.js";
import type { Roster } from "./roster.js";

export interface FreeWorkers extends Omit<Offer, "runIds"> {
  /** True if a worker with a free slot is left out because too much waits for its transport. */
  readonly deferred: boolean;
}

/** The workers with a free slot and with room in bytes. */
export function freeWorkers(roster: Roster, leases: Leases): FreeWorkers {
  const free = limits.unsentBytes - leases.unsentBytes();
  const workers: Slots[] = [];
  let deferred = false;
  for (const slots of roster.withRoom()) {
    const sink = leases.sink(slots.session.id);
    if (!sink) continue; // its stream is gone, and it will be said so
    const unsent = sink.unsentBytes;
    if (mayHaveMore(unsent, free)) workers.push({ ...slots, unsent });
    else deferred = true;
  }
  return { workers, free, deferred };
}
