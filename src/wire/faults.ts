import { create, type DescMessage, type Message, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import type { Fault, FaultCode } from "#domain/fault";
import { type Millis, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

/** gRPC's status codes, as every transport numbers them. */
export const statusCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;
export type StatusName = keyof typeof statusCodes;
export type FailureName = Exclude<StatusName, "OK">;

/** The status code of each failure. */
const statusByFault = {
  invalid: "INVALID_ARGUMENT",
  not_found: "NOT_FOUND",
  key_conflict: "ALREADY_EXISTS",
  template_conflict: "ALREADY_EXISTS",
  wrong_state: "FAILED_PRECONDITION",
  cursor_expired: "OUT_OF_RANGE",
  cursor_ahead: "OUT_OF_RANGE",
  overloaded: "RESOURCE_EXHAUSTED",
  disk_full: "RESOURCE_EXHAUSTED",
  unavailable: "UNAVAILABLE",
  too_slow: "DEADLINE_EXCEEDED",
  conflict: "ABORTED",
  not_offered: "UNIMPLEMENTED",
  unauthenticated: "UNAUTHENTICATED",
  denied: "PERMISSION_DENIED",
  internal: "INTERNAL",
} as const satisfies Record<FaultCode, FailureName>;

export function statusOf({ code }: Fault): FailureName {
  return statusByFault[code];
}

/** One `google.rpc` message that goes with an error. */
export interface Detail {
  readonly desc: DescMessage;
  readonly value: Message;
}

/** The details of a failure for programs: its reason, the wrong field, when to try again. */
export function detailsOf(fault: Fault): Detail[] {
  const { field, metadata } = fault.details;
  const details: Detail[] = [];
  const add = <Desc extends DescMessage>(desc: Desc, init: MessageInitShape<Desc>) =>
    details.push({ desc, value: create(desc, init) });

  add(ErrorInfoSchema, { reason: fault.reason, domain: "taskrun", metadata: { ...metadata } });
  if (field !== undefined) {
    add(BadRequestSchema, { fieldViolations: [{ field, description: fault.message }] });
  }
  const wait = retryAfterOf(fault);
  if (wait > 0) {
    const [seconds, nanos] = [BigInt(Math.floor(wait / 1_000)), (wait % 1_000) * 1_000_000];
    add(RetryInfoSchema, { retryDelay: { seconds, nanos } });
  }
  return details;
}

/** Milliseconds to wait before trying again; 0 if a retry would not help. */
export function retryAfterOf({ details, again }: Fault): Millis {
  return details.retryAfter ?? (again === "later" ? limits.retryAfter : millis(0));
}

/** The same in whole seconds, as `retry-after` has it beside every protocol's own details; 0 if a retry would not help. */
export function retryAfterSeconds(fault: Fault): number {
  return Math.ceil(retryAfterOf(fault) / 1_000);
}

/**
 * What every protocol says of a failure in its headers or trailers, beside its own details: when to try again, and, for clients of
 * Tasker, what is wrong with the credential.
 */
export function headersOf(fault: Fault): Readonly<Record<string, string>> {
  const seconds = retryAfterSeconds(fault);
  return { ...(seconds > 0 && { "retry-after": String(seconds) }), ...authHeaders(fault) };
}

function authHeaders({ code, reason }: Fault): Readonly<Record<string, string>> {
  if (code === "denied")
    return { "x-auth-failure-reason": "insufficient_permissions", "x-auth-failure-severity": "medium" };
  if (code !== "unauthenticated") return {};
  const [word, severity] = reason.endsWith("_MISSING")
    ? ["missing", "low"]
    : /_(EXPIRED|REVOKED)$/.test(reason)
      ? ["expired", "low"]
      : ["invalid", "medium"];
  return { "x-auth-failure-reason": word, "x-auth-failure-severity": severity };
}

/** The bytes of `grpc-status-details-bin`. */
export function encodeStatus(fault: Fault): Uint8Array {
  const details = detailsOf(fault).map(({ desc, value }) => anyPack(desc, value));
  const code = statusCodes[statusOf(fault)];
  return toBinary(StatusSchema, create(StatusSchema, { code, message: fault.message, details }));
}
