import { Code, ConnectError } from "@connectrpc/connect";
import { nextAttemptAt, type RetryPolicy } from "#domain/task/retry";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";

/**
 * Delays before reconnecting after another process has taken over the Worker's id. Reconnecting takes the id back and
 * loses the other process's Runs, so the delays are long and grow; half of each is random, so that the two processes do
 * not stay in step.
 */
const STAY_AWAY: RetryPolicy = {
  backoff: "exponential",
  base: limits.stayAwayFirst,
  max: limits.stayAwayMost,
  jitter: 0.5,
};

/** Counts consecutive takeovers of this Worker's id by other processes, and computes how long to stay away. */
export class Takeovers {
  #inARow = 0;

  /**
   * Counts a takeover.
   *
   * @param heldMs milliseconds for which this process had the id before
   * @param draw uniform in [0, 1)
   * @returns milliseconds to wait before reconnecting; undefined to give up
   */
  next(heldMs: number, draw: number): number | undefined {
    this.#inARow = heldMs >= limits.takeoverCalm ? 1 : this.#inARow + 1;
    if (this.#inARow > limits.takeovers) return undefined;
    return nextAttemptAt(STAY_AWAY, this.#inARow, instant(0), draw);
  }
}

/** Returns the server's message about a takeover; undefined if the stream ended for another reason. */
export function takeoverIn(error: unknown): string | undefined {
  if (!(error instanceof ConnectError) || error.code !== Code.Unavailable) return undefined;
  const superseded = error.findDetails(ErrorInfoSchema).some(({ reason }) => reason === "SUPERSEDED");
  return superseded ? error.rawMessage : undefined;
}
