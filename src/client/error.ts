import { Code, ConnectError } from "@connectrpc/connect";
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

export type ErrorCode = (typeof codeNames)[Code];

export interface TaskRunErrorInit extends Partial<ErrorDetails> {
  readonly idempotencyKey?: string;
  readonly cause?: unknown;
}

/** A call that failed, however it did: refused by the server, or never heard by it. */
export class TaskRunError extends Error {
  override readonly name: string = "TaskRunError";
  readonly code: ErrorCode;
  /** The same for programs, UPPER_SNAKE, for example `CURSOR_EXPIRED`; empty if the server gave none. */
  readonly reason: string;
  /** Milliseconds the server asks to wait before another try; 0 if it did not say. */
  readonly retryAfterMs: number;
  /** The fields at fault, in the wire's spelling. */
  readonly violations: readonly FieldViolation[];
  /** More facts for programs, for example `earliest_seq`. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * The key that the request carried, on a failed create or retry; empty otherwise. After UNAVAILABLE or
   * DEADLINE_EXCEEDED the Task may exist: the same request with this key answers with it.
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

/** The name of a gRPC status code by its number; UNKNOWN for a number that is none. */
export function codeName(code: number): ErrorCode {
  return codeNames[code as Code] ?? "UNKNOWN";
}

/**
 * What a transport threw, as a {@link TaskRunError}.
 *
 * A connection that broke is UNAVAILABLE here, whatever the transport calls it: it names resets and closed
 * streams differently, and a caller only wants to know that nobody answered.
 *
 * @param stopped whether the caller itself has aborted the call
 */
export function toTaskRunError(thrown: unknown, stopped = false, idempotencyKey = ""): TaskRunError {
  if (thrown instanceof TaskRunError) return thrown;
  const error = ConnectError.from(thrown);
  const init = { ...errorDetails(error), idempotencyKey, cause: thrown };

  const answered = error.metadata.has("grpc-status") || error.details.length > 0;
  const broken = !answered && brokenCodes.has(error.code) && !stopped;
  if (!broken) return new TaskRunError(codeName(error.code), error.rawMessage, init);
  return new TaskRunError("UNAVAILABLE", `no answer from the server: ${error.rawMessage}`, init);
}

const brokenCodes: ReadonlySet<Code> = new Set([
  Code.Aborted,
  Code.Canceled,
  Code.Internal,
  Code.Unavailable,
  Code.Unknown,
]);
