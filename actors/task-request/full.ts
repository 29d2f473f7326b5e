import { Fault } from "#domain/fault";
import { limits } from "#limits/index";

/** Refuses what finds no room: nothing of it is stored. */
export function full(what: string): Fault {
  return new Fault("overloaded", `${what}; nothing was stored, try again later`, {
    reason: "QUEUE_FULL",
    retryAfter: limits.retryAfter,
  });
}
