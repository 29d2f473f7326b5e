import { Fault } from "#domain/fault";
import { millis } from "#domain/time";

/** Long enough for a good part of a full queue to be worked off, short enough to be worth waiting. */
const RETRY_AFTER = millis(1_000);

/** Refuses what finds no room: nothing of it is stored. */
export function full(what: string): Fault {
  return new Fault("overloaded", `${what}; nothing was stored, try again later`, {
    reason: "QUEUE_FULL",
    retryAfter: RETRY_AFTER,
  });
}
