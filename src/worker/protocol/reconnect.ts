import { nextAttemptAt } from "#domain/task/retry";
import { instant, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { HeldRuns } from "../run/held.js";
import { machineTime, type WorkerTime } from "../timers.js";
import type { Lease } from "./lease.js";

/**
 * When a Worker tries to connect again. While it holds Runs, what is left of its lease bounds each delay and each try,
 * so that several of them fall within the lease: a server that is back in time finds all of its Runs held.
 */

/** What is left of the lease, in milliseconds; infinity if no Run depends on it. */
export function leaseLeft(
  { size }: Pick<HeldRuns, "size">,
  lease: Lease,
  time: Pick<WorkerTime, "awake"> = machineTime,
): number {
  return size > 0 ? lease.leftAt(time.awake()) : Number.POSITIVE_INFINITY;
}

/**
 * The delay before a further try: random, so that a fleet does not come back at once, and longer from failure to failure.
 *
 * @param failures tries that have failed in a row, at least 1
 * @param leaseLeftMs see {@link leaseLeft}
 * @param draw uniform in [0, 1)
 */
export function reconnectDelay(failures: number, leaseLeftMs: number, draw: number): number {
  const share = Math.max(limits.reconnectFirst, leaseLeftMs * limits.reconnectShare);
  const policy = {
    backoff: "exponential",
    base: limits.reconnectFirst,
    max: millis(Math.min(limits.reconnectMost, share)),
    jitter: 1,
  } as const;
  return nextAttemptAt(policy, failures, instant(0), draw);
}

/** How long the server may take to open the stream; after that another try is the better chance. */
export function connectTimeout(leaseLeftMs: number): number {
  return Math.min(limits.handshake, Math.max(limits.connectLeast, leaseLeftMs / 2));
}
