import { Code, ConnectError } from "@connectrpc/connect";
import { brand } from "#domain/brand";
import { ConnectFailed } from "#transport/connect-failed";
import { type ErrorDetails, errorDetails, type FieldViolation } from "./error-details.js";

/** The gRPC status codes by their official names. */
const codeNames = {
  [Code.Canceled]: "CANCELLED",
  [Code.Unknown]: "UNKNOWN",
  [Code.InvalidArgument]: "INVALID_ARGUMENT",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.NotFound]: "NOT_FOUND",
  [Code.AlreadyExists]: "ALREADY_EXISTS",
  [Code.PermissionDenied]: "PERMISSION_DENIED",
  [Code.ResourceExhausted]: "RESOURCE_EXHAUSTED",
  [Code.FailedPrecondition]: "FAILED_PRECONDITION",
  [Code.Aborted]: "ABORTED",
  [Code.OutOfRange]: "OUT_OF_RANGE",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.Internal]: "INTERNAL",
  [Code.Unavailable]: "UNAVAILABLE",
  [Code.DataLoss]: "DATA_LOSS",
  [Code.Unauthenticated]: "UNAUTHENTICATED",
} as const satisfies Record<Code, string>;

/** The name of a gRPC status code, for example `NOT_FOUND`. */
export type ErrorCode = (typeof codeNames)[Code];

export interface TaskRunErrorInit extends Partial<ErrorDetails> {
  readonly idempotencyKey?: string;
  readonly cause?: unknown;
}

/**
 * The error of every failed call: refused by the server, not answered by it, or not sent, because an argument is wrong. Check `code` first, then `reason`;
 * `docs/errors.md` lists both.
 *
 * @example
 * ```ts
 * import { createClient, TaskRunError } from "taskrun/client";
 *
 * const client = createClient();
 * try {
 *   await client.tasks.cancel("TASK_ID", "not needed any more");
 * } catch (error) {
 *   if (!(error instanceof TaskRunError && error.code === "FAILED_PRECONDITION")) throw error;
 *   console.log("it had ended already");
 * }
 * ```
 */
export class TaskRunError extends Error {
  override readonly name: string = "TaskRunError";
  /** The gRPC status. `UNAVAILABLE` also stands for a connection that could not be made or was lost. */
  readonly code: ErrorCode;
  /**
   * A more specific cause, UPPER_SNAKE, for example `CURSOR_EXPIRED`; empty if there is none. `CANNOT_CONNECT` and
   * `CONNECTION_LOST` are the client's own.
   */
  readonly reason: string;
  /** Milliseconds to wait before the next attempt, as the server asked; 0 if it did not. */
  readonly retryAfterMs: number;
  /** The invalid fields of the request. */
  readonly violations: readonly FieldViolation[];
  /** Further values for programs, for example `earliest_seq`. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * The idempotency key of a failed create or retry; empty otherwise. After `UNAVAILABLE` or `DEADLINE_EXCEEDED` the
   * Task may exist: repeat the same request with this key to get it.
   */
  readonly idempotencyKey: string;

  constructor(code: ErrorCode, message: string, init: TaskRunErrorInit = {}) {
    super(message, init.cause === undefined ? {} : { cause: init.cause });
    this.code = code;
    this.reason = init.reason ?? "";
    this.retryAfterMs = init.retryAfterMs ?? 0;
    this.violations = init.violations ?? [];
    this.metadata = init.metadata ?? {};
    this.idempotencyKey = init.idempotencyKey ?? "";
  }
}
brand(TaskRunError, "TaskRunError");

/** Returns the name of a gRPC status code by its number; `UNKNOWN` for a number without a name. */
export function codeName(code: number): ErrorCode {
  return codeNames[code as Code] ?? "UNKNOWN";
}

/**
 * Converts what a transport threw into a {@link TaskRunError}.
 *
 * Errors of the connection itself become `UNAVAILABLE`: the transport reports resets and closed streams under several
 * codes, which say nothing more to a caller. Their `reason` is `CANNOT_CONNECT` if the server has not heard of the call,
 * `CONNECTION_LOST` if it may have.
 *
 * @param stopped whether the caller aborted the call
 */
export function toTaskRunError(thrown: unknown, stopped = false, idempotencyKey = ""): TaskRunError {
  if (thrown instanceof TaskRunError) return thrown;
  const error = ConnectError.from(thrown);
  const { rawMessage, code } = error;
  const init = { ...errorDetails(error), idempotencyKey, cause: thrown };
  const answered = error.metadata.has("grpc-status") || error.details.length > 0;
  if (answered) return new TaskRunError(codeName(code), rawMessage, init);

  if (stopped) return new TaskRunError("CANCELLED", `the call was aborted: ${rawMessage}`, init);
  if (ConnectFailed.is(error)) {
    return new TaskRunError("UNAVAILABLE", rawMessage, { ...init, reason: "CANNOT_CONNECT" });
  }
  if (!brokenCodes.has(code)) return new TaskRunError(codeName(code), rawMessage, init);
  const message = `no answer from the server: ${rawMessage}`;
  return new TaskRunError("UNAVAILABLE", message, { ...init, reason: "CONNECTION_LOST" });
}

/**
 * The error of a request that was sent within another one, in terms of its own fields.
 *
 * @param prefix of its fields within the other request
 */
export function withoutPrefix(error: TaskRunError, prefix: string): TaskRunError {
  const { code, message, violations } = error;
  if (!violations.some(({ field }) => field.startsWith(prefix))) return error;
  const own = (text: string) => (text.startsWith(prefix) ? text.slice(prefix.length) : text);
  const ownViolations = violations.map(({ field, description }) => {
    return { field: own(field), description: own(description) };
  });
  return new TaskRunError(code, own(message), { ...error, violations: ownViolations, cause: error.cause });
}

const brokenCodes: ReadonlySet<Code> = new Set([
  Code.Aborted,
  Code.Canceled,
  Code.Internal,
  Code.Unavailable,
  Code.Unknown,
]);
