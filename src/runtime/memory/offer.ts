import type { Offer, Slots } from "#actors/scheduler/messages";
import { isOffered, mayHaveMore } from "#actors/scheduler/placement";
import { limits } from "#limits/index";
import type { Leases } from "../timers/leases.js";
import type { Memory } from "./memory.js";

export interface FreeWorkers extends Omit<Offer, "runIds"> {
  /** True if a worker with a free slot was left out because it has too many unsent bytes. */
  readonly deferred: boolean;
}

/** The workers that may get assignments now: not paused, with a free slot, and with few enough unsent bytes. */
export function freeWorkers({ roster, pauses }: Memory, leases: Leases): FreeWorkers {
  const free = limits.unsentBytes - leases.unsentBytes();
  const workers: Slots[] = [];
  let deferred = false;
  for (const slots of roster.withRoom()) {
    if (!isOffered(slots.session, pauses.present)) continue;
    const sink = leases.sink(slots.session.id);
    if (!sink) continue; // its stream has ended, and the message `closed` is on its way
    const unsent = sink.unsentBytes;
    if (mayHaveMore(unsent, free)) workers.push({ ...slots, unsent });
    else deferred = true;
  }
  return { workers, free, deferred };
}
