import type { ActorName } from "#actors/commands";
import type { Bus } from "#bus/bus";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { AwaitedVerdicts } from "../turn/awaited-verdicts.js";
import type { Message } from "../turn/turn.js";

/** How waits end when the plane stops: its Tasks continue under the next start. */
export function stopping(): Fault {
  const message = "the server is stopping; the Task goes on: send the request again to wait for it.";
  return new Fault("unavailable", message, { reason: "DRAINING", retryAfter: limits.retryAfter });
}

/** How requests of a turn end whose commit has failed in a way that the store cannot explain. */
export function outcomeUnknown(cause: Error): Fault {
  const message = "the store has failed; it is not known whether the request was stored";
  return new Fault("unavailable", message, { cause });
}

/** How requests end that were not decided before the plane stopped. */
export function nothingStored(cause?: Error): Fault {
  return new Fault("unavailable", "the plane has stopped; nothing was stored", { cause });
}

/** Where requests wait. */
interface Waiting {
  readonly awaited: AwaitedVerdicts;
  readonly bus: Bus<ActorName, Message>;
}

/** Rejects every request that is still in a mailbox or waits for verdicts. */
export function refuseWaiting({ awaited, bus }: Waiting, cause?: Error): void {
  const fault = nothingStored(cause);
  awaited.stop(fault);
  for (const source of ["gateway", "stream", "timer"] as const) {
    for (const { answer } of bus.takeFrom(source)) answer?.reject(fault);
  }
}
