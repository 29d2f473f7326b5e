import { STATUS_CODES } from "node:http";
import type { Fault, FaultCode } from "#domain/fault";
import { retryAfterOf, statusOf } from "#wire/faults";
import { type HttpResponse, sendText } from "./response.js";

/** The HTTP status of each failure: that of Connect, but for a cursor that is gone. */
const statusByFault = {
  invalid: 400,
  not_found: 404,
  key_conflict: 409,
  template_conflict: 409,
  wrong_state: 400,
  cursor_expired: 410,
  cursor_ahead: 400,
  overloaded: 429,
  disk_full: 429,
  unavailable: 503,
  too_slow: 504,
  conflict: 409,
  unauthenticated: 401,
  denied: 403,
  internal: 500,
} as const satisfies Record<FaultCode, number>;

/** Answers with a failure as JSON, in the form of RFC 9457. */
export function sendProblem(response: HttpResponse, fault: Fault): void {
  const status = statusByFault[fault.code];
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
  };
  sendText(response, status, `${JSON.stringify(problem)}\n`, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...(retryAfterMs > 0 && { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) }),
  });
}
