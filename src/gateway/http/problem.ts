import { type OutgoingHttpHeaders, STATUS_CODES } from "node:http";
import type { Fault, FaultCode } from "#domain/fault";
import { headersOf, retryAfterOf, retryAfterSeconds, statusOf } from "#wire/faults";
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
  sendAs(response, problem, {
    ...headersOf(fault),
    ...(fault.code === "unauthenticated" && { "www-authenticate": "Bearer" }),
  });
}

/** What is answered where no handler is reached, or none could answer. */
export interface Refused {
  readonly status: keyof typeof byRefusal;
  /** For people, with a line break at its end. */
  readonly text: string;
  /** For programs. */
  readonly reason: string;
  readonly headers?: OutgoingHttpHeaders;
}

/** The code of gRPC that goes with such a status, and the code in `error`. */
const byRefusal = {
  400: ["INVALID_ARGUMENT", "BAD_REQUEST"],
  403: ["PERMISSION_DENIED", "FORBIDDEN"],
  404: ["NOT_FOUND", "NOT_FOUND"],
  405: ["UNIMPLEMENTED", "METHOD_NOT_ALLOWED"],
  406: ["INVALID_ARGUMENT", "NOT_ACCEPTABLE"],
  500: ["INTERNAL", "INTERNAL_ERROR"],
} as const;

/** Paths whose clients are programs, which read a failure as JSON; the others are for people, and for clients of rpcs. */
const OPERATIONS = /^\/(v1(\/|$)|config$)/;

/** Answers that a path is not served so: as every other failure of an operation where there are operations, as plain text elsewhere. */
export function sendRefused(response: HttpResponse, path: string, refused: Refused): void {
  const { status, text, reason, headers = {} } = refused;
  if (!OPERATIONS.test(path)) {
    sendText(response, status, text, headers);
    return;
  }
  const [code, errorCode] = byRefusal[status];
  const detail = text.trimEnd();
  const error = { code: errorCode, message: detail };
  sendAs(response, { title: STATUS_CODES[status], status, detail, code, reason, error }, headers);
}

/** Answers 404 or 405. @param allowed the methods of the path; empty if there is no such path */
export function sendNotServed(
  response: HttpResponse,
  method: string,
  path: string,
  allowed: readonly string[],
): void {
  if (allowed.length > 0) {
    const allow = allowed.join(", ");
    const text = `${method} is not served here; ${path} takes ${allow}.\n`;
    sendRefused(response, path, { status: 405, text, reason: "METHOD_NOT_ALLOWED", headers: { allow } });
    return;
  }
  const what = method === "GET" || method === "HEAD" ? path : `${method} ${path}`;
  const text = `${what} is not served here; see / for what is.\n`;
  sendRefused(response, path, { status: 404, text, reason: "PATH_UNKNOWN" });
}

function sendAs(
  response: HttpResponse,
  problem: { readonly status: number; readonly [member: string]: unknown },
  headers: OutgoingHttpHeaders,
): void {
  sendText(response, problem.status, `${JSON.stringify(problem)}\n`, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...headers,
  });
}
