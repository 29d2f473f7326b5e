import { Code, ConnectError } from "@connectrpc/connect";
import { limits } from "#domain/limits";
import { nextAttemptAt, type RetryPolicy } from "#domain/retry";
import { instant } from "#domain/time";
import { ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";

/**
 * Coming back takes the worker id from the other process, and with it the runs that this one has in hand: so it is
 * not done at once, and later each time. Half of the delay is drawn, so that two processes do not move in step.
 */
const STAY_AWAY: RetryPolicy = {
  backoff: "exponential",
  base: limits.stayAwayFirst,
  max: limits.stayAwayMost,
  jitter: 0.5,
};

/** Counts how often another process has taken over this worker's id, and says how long to stay away. */
export class Takeovers {
  #inARow = 0;

  /**
   * Another process has taken over.
   *
   * @param heldMs for how long this process had the id before
   * @param draw uniform in [0, 1)
   * @returns how long to stay away in milliseconds; undefined if it is time to give up
   */
  next(heldMs: number, draw: number): number | undefined {
    this.#inARow = heldMs >= limits.takeoverCalm ? 1 : this.#inARow + 1;
    if (this.#inARow > limits.takeovers) return undefined;
    return nextAttemptAt(STAY_AWAY, this.#inARow, instant(0), draw);
  }
}

/** What the plane says of the process that has taken over, in words; undefined if the stream ended otherwise. */
export function takeoverIn(error: unknown): string | undefined {
  if (!(error instanceof ConnectError) || error.code !== Code.Unavailable) return undefined;
  const superseded = error.findDetails(ErrorInfoSchema).some(({ reason }) => reason === "SUPERSEDED");
  return superseded ? error.rawMessage : undefined;
}
