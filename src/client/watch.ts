import { limits } from "#limits/index";
import { onAbort } from "#transport/on-abort";
import type { TaskEvent as WireEvent } from "#wire/gen/taskrun/v1/task_service_pb";
import { backoffMs, pause, WATCH_BACKOFF } from "./backoff.js";
import { toEvent } from "./convert.js";
import { type ErrorCode, TaskRunError, toTaskRunError } from "./error.js";
import type { TaskEvent } from "./event-views.js";
import { namesOf } from "./option-names.js";
import { hasEnded } from "./views.js";

/**
 * Options of {@link Tasks.watch}.
 *
 * @example Resume where an earlier watch stopped
 * ```ts
 * import { createClient, type WatchOptions } from "taskrun/client";
 *
 * let lastSeq = 41;
 * const options: WatchOptions = {
 *   afterSeq: lastSeq,
 *   signal: AbortSignal.timeout(60_000),
 *   onLost: (error) => console.warn(`reconnecting: ${error.message}`),
 * };
 * for await (const event of createClient().tasks.watch("TASK_ID", options)) lastSeq = event.seq;
 * ```
 */
export interface WatchOptions {
  /** Sequence number of the last event already seen. Default 0: start with the first event. */
  readonly afterSeq?: number;
  /** Aborting it ends the iteration without an error. */
  readonly signal?: AbortSignal;
  /**
   * Consecutive failures, with no event between them, after which the watch throws. Default 30, which takes about 75 s:
   * longer than a server's restart.
   */
  readonly failuresMax?: number;
  /** Called each time the stream is lost and will be reopened. */
  readonly onLost?: (error: TaskRunError) => unknown;
}

export const watchNames = namesOf<WatchOptions>({
  afterSeq: true,
  signal: true,
  failuresMax: true,
  onLost: true,
});

/** Codes that a repeated request would get again. Every other failure is retried. */
const final: ReadonlySet<ErrorCode> = new Set([
  "NOT_FOUND",
  "OUT_OF_RANGE",
  "INVALID_ARGUMENT",
  "FAILED_PRECONDITION",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
  "UNIMPLEMENTED",
  "DATA_LOSS",
]);

/** Opens the server's stream of a Task's events that follow `afterSeq`. */
export type OpenWatch = (afterSeq: number, signal: AbortSignal) => AsyncIterable<WireEvent>;

/**
 * Iterates over a Task's events, each exactly once and in order, up to the one that reports its end. A lost stream is
 * reopened after the last event seen, with exponential backoff and jitter.
 *
 * @param ended called when a stream ends without a new event; resolves to whether the Task has ended
 * @throws {TaskRunError} a failure that retrying cannot change, or the last of too many consecutive failures
 */
export async function* watch(
  open: OpenWatch,
  ended: () => Promise<boolean>,
  options: WatchOptions = {},
): AsyncGenerator<TaskEvent, void> {
  const { signal, failuresMax = limits.watchFailures } = options;
  let last = options.afterSeq ?? 0;
  let failures = 0;

  while (!signal?.aborted) {
    // Each stream has its own controller, so that a consumer that stops early also ends the server's stream.
    const stream = new AbortController();
    const forget = onAbort(signal, () => stream.abort());
    const before = last;
    try {
      for await (const wire of open(last, stream.signal)) {
        const seq = Number(wire.seq);
        if (seq <= last) continue;
        if (seq !== last + 1) throw gap(last, seq);
        last = seq;
        failures = 0;

        const event = toEvent(wire);
        if (event) yield event;
        if (event?.type === "task" && hasEnded(event.task)) return;
      }
      if (last === before && (await ended())) return;
      throw new TaskRunError(
        "UNAVAILABLE",
        `the server ended the watch after event ${last}, before the task ended`,
      );
    } catch (thrown) {
      if (signal?.aborted) return;
      const error = toTaskRunError(thrown);
      failures += 1;
      if (final.has(error.code) || failures >= failuresMax) throw error;
      await options.onLost?.(error);
      await pause(backoffMs(WATCH_BACKOFF, failures, Math.random(), error.retryAfterMs), signal);
    } finally {
      forget();
      stream.abort();
    }
  }
}

/** The error of a gap in the sequence. It is retried: reopening the stream after the last event delivers the rest. */
function gap(last: number, seq: number): TaskRunError {
  return new TaskRunError("UNAVAILABLE", `event ${seq} came after event ${last}; those between were lost`);
}
