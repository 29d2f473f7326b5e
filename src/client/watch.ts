import { limits } from "#domain/limits";
import type { TaskEvent as WireEvent } from "#wire/gen/taskrun/v1/task_service_pb";
import { backoffMs, pause, WATCH_BACKOFF } from "./backoff.js";
import { toEvent } from "./convert.js";
import { type ErrorCode, TaskRunError, toTaskRunError } from "./error.js";
import { hasEnded, type TaskEvent } from "./views.js";

export interface WatchOptions {
  /** The seq of the last event already seen; 0, the default, means from the first. */
  readonly afterSeq?: number;
  /** Ends the watch, without an error. */
  readonly signal?: AbortSignal;
  /**
   * Failed tries in a row, without an event between them, after which the watch gives up. The default of 30
   * is about a minute and a quarter: longer than a server takes to restart, shorter than a night.
   */
  readonly failuresMax?: number;
  /** Told each time the stream was lost and will be opened again. */
  readonly onLost?: (error: TaskRunError) => void;
}

/** What the server says for good: asking again would be answered the same. Anything else is worth another try. */
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

/** Opens the server's stream of a Task's events after a seq. */
export type OpenWatch = (afterSeq: number, signal: AbortSignal) => AsyncIterable<WireEvent>;

/**
 * A Task's events, each exactly once and in order, until the one that says how it ended. When the stream is
 * lost it is opened again from the last event seen, after a growing and random delay.
 *
 * @param ended asked when the server has nothing after the last event: true if the Task has ended before
 * @throws {TaskRunError} what the server answered for good, or the last failure once there were too many
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
    // Leaving the loop below early must end the server's stream too, hence a controller for each.
    const stream = new AbortController();
    const unlink = withAbort(signal, stream);
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
      options.onLost?.(error);
      await pause(backoffMs(WATCH_BACKOFF, failures, Math.random(), error.retryAfterMs), signal);
    } finally {
      unlink();
      stream.abort();
    }
  }
}

/** Lets `outer` abort `inner`; returns what undoes that, so that a long-lived signal keeps no dead streams. */
function withAbort(outer: AbortSignal | undefined, inner: AbortController): () => void {
  const abort = () => inner.abort();
  outer?.addEventListener("abort", abort, { once: true });
  return () => outer?.removeEventListener("abort", abort);
}

/** Events were lost on the way: to ask again from the last one seen brings them. */
function gap(last: number, seq: number): TaskRunError {
  return new TaskRunError("UNAVAILABLE", `event ${seq} came after event ${last}; those between were lost`);
}
