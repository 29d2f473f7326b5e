import { STATUS_CODES } from "node:http";
import type { Fault, FaultCode } from "#domain/fault";
import { retryAfterOf, retryAfterSeconds, statusOf } from "#wire/faults";
import { type HttpResponse, sendText } from "./response.js";

/** The HTTP status of each failure, and its code in `error`. */
const byFault = {
  invalid: [400, "BAD_REQUEST"],
  not_found: [404, "NOT_FOUND"],
  key_conflict: [409, "CONFLICT"],
  template_conflict: [409, "CONFLICT"],
  wrong_state: [409, "CONFLICT"],
  cursor_expired: [410, "GONE"],
  cursor_ahead: [400, "BAD_REQUEST"],
  overloaded: [503, "BACKPRESSURE"],
  disk_full: [503, "BACKPRESSURE"],
  unavailable: [503, "SERVICE_UNAVAILABLE"],
  too_slow: [408, "TIMEOUT"],
  conflict: [409, "CONFLICT"],
  not_offered: [501, "NOT_IMPLEMENTED"],
  unauthenticated: [401, "UNAUTHORIZED"],
  denied: [403, "FORBIDDEN"],
  internal: [500, "INTERNAL_ERROR"],
} as const satisfies Record<FaultCode, readonly [status: number, code: string]>;

/** Answers with a failure as JSON: in the form of RFC 9457, and with `error`, which clients of Tasker read. */
export function sendProblem(response: HttpResponse, fault: Fault): void {
  const [status, errorCode] = byFault[fault.code];
  const { field, metadata } = fault.details;
  const retryAfterMs = retryAfterOf(fault);
  const problem = {
    title: STATUS_CODES[status],
    status,
    detail: fault.message,
    code: statusOf(fault),
    reason: fault.reason,
    ...(field !== undefined && { field }),
    ...(metadata && { metadata }),
    ...(retryAfterMs > 0 && { retryAfterMs }),
    error: {
      code: errorCode,
      message: fault.message,
      ...(retryAfterMs > 0 && { retry_after_seconds: retryAfterSeconds(fault) }),
    },
  };
  sendText(response, status, `${JSON.stringify(problem)}\n`, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...(retryAfterMs > 0 && { "retry-after": String(retryAfterSeconds(fault)) }),
    ...authHeaders(fault),
  });
}

/** What clients of Tasker read of a refusal for lack of a credential or a right. */
function authHeaders({ code, reason }: Fault): Readonly<Record<string, string>> {
  if (code === "denied")
    return { "x-auth-failure-reason": "insufficient_permissions", "x-auth-failure-severity": "medium" };
  if (code !== "unauthenticated") return {};
  const [word, severity] = reason.endsWith("_MISSING")
    ? ["missing", "low"]
    : /_(EXPIRED|REVOKED)$/.test(reason)
      ? ["expired", "low"]
      : ["invalid", "medium"];
  return { "www-authenticate": "Bearer", "x-auth-failure-reason": word, "x-auth-failure-severity": severity };
}
