import type { CallOptions } from "@connectrpc/connect";
import { limits } from "#limits/index";
import type { Task as WireTask } from "#wire/gen/taskrun/v1/task_service_pb";
import { backoffMs, CALL_BACKOFF, pause, WATCH_BACKOFF } from "./backoff.js";
import { type Caller, isUnclear } from "./call.js";
import { toTask } from "./convert.js";
import { TaskRunError } from "./error.js";
import { hasEnded, type Task } from "./views.js";

/** A wait for the end of one Task. */
export interface EndWait {
  /** Empty if the Task is not created yet, or its id not known. */
  readonly id: string;
  /** The key with which it is created; empty if it exists. */
  readonly idempotencyKey: string;
  /** Sends the request that waits: by the id, or, if that is not known yet, by the key. */
  readonly send: (id: string, options: CallOptions) => Promise<WireTask>;
  readonly signal?: AbortSignal | undefined;
  readonly onLost?: ((error: TaskRunError) => unknown) | undefined;
  readonly traceparent?: string | undefined;
  /** Waits in another way, for a server that does not know these requests. */
  readonly fallBack: (id: string) => Promise<Task>;
}

/**
 * Waits until a Task has ended. Sends the request again when its time is over, and when the connection is lost or the
 * server stops: always about the same Task, so nothing is lost meanwhile.
 *
 * @throws {TaskRunError} a failure that another request cannot change, or the last of too many consecutive ones: few if
 *   no server has heard of the Task, many if it may exist
 */
export async function awaitEnd(caller: Caller, wait: EndWait): Promise<Task> {
  const { idempotencyKey, signal, traceparent } = wait;
  const control = { ...(signal && { signal }), ...(traceparent !== undefined && { traceparent }) };
  let { id } = wait;
  let mayExist = id !== "";
  let failures = 0;
  while (true) {
    const sentAt = performance.now();
    try {
      const task = toTask(await caller.waiting((options) => wait.send(id, options), control, idempotencyKey));
      if (hasEnded(task)) return task;
      [id, mayExist] = [task.id, true];
      // A server that does not wait is not asked without a pause.
      failures = performance.now() - sentAt < limits.waitLeast ? failures + 1 : 0;
    } catch (thrown) {
      const error = thrown as TaskRunError;
      if (error.code === "UNIMPLEMENTED") return wait.fallBack(id);
      if (signal?.aborted) throw id === "" ? error : stoppedWaiting(id);
      failures += 1;
      mayExist ||= isStored(error);
      const most = mayExist ? limits.watchFailures : limits.callAttempts;
      if (failures >= most || !mayPass(error, mayExist)) throw error;
      await wait.onLost?.(error);
      await pause(
        backoffMs(mayExist ? WATCH_BACKOFF : CALL_BACKOFF, failures, Math.random(), error.retryAfterMs),
        signal,
      );
      continue;
    }
    if (failures > 0) await pause(backoffMs(WATCH_BACKOFF, failures, Math.random()), signal);
  }
}

export function stoppedWaiting(id: string): TaskRunError {
  return new TaskRunError("CANCELLED", `stopped waiting for task ${id}, which goes on`);
}

/** True if the request may have created the Task. */
function isStored({ code, reason }: TaskRunError): boolean {
  return reason === "ANSWERS_FULL" || (isUnclear(code) && reason !== "CANNOT_CONNECT");
}

/**
 * True if the same request may succeed soon. What is refused for want of room before it is stored is the caller's to repeat, and what is refused
 * until tomorrow is told at once.
 */
function mayPass({ code, retryAfterMs }: TaskRunError, mayExist: boolean): boolean {
  const isSoon = retryAfterMs > 0 && retryAfterMs <= limits.waitDefault;
  return isUnclear(code) || (mayExist && code === "RESOURCE_EXHAUSTED" && isSoon);
}
