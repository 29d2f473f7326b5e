import type { OutgoingHttpHeaders } from "node:http2";
import type { Fault } from "#domain/fault";
import { encodeStatus, type StatusName, statusCodes } from "#wire/faults";
import type { Outcome } from "./outcome.js";

/** How a call ends, in the words of gRPC. */
export interface Status {
  readonly name: StatusName;
  readonly message: string;
  /** What programs are told beside the message. */
  readonly fault?: Fault;
}

export const DEADLINE_EXCEEDED: Status = { name: "DEADLINE_EXCEEDED", message: "Deadline exceeded" };

export function statusOfOutcome({ status: name, fault }: Outcome): Status {
  return fault ? { name, message: fault.message, fault } : { name, message: "OK" };
}

/** The headers that end a call. */
export function statusHeaders({ name, message, fault }: Status): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    "grpc-status": statusCodes[name],
    "grpc-message": percentEncoded(message),
  };
  if (fault) headers["grpc-status-details-bin"] = Buffer.from(encodeStatus(fault)).toString("base64");
  return headers;
}

function percentEncoded(message: string): string {
  try {
    return encodeURI(message);
  } catch {
    // Half a surrogate pair, for example from a request that is quoted: as UTF-8 it is a replacement character.
    return encodeURI(Buffer.from(message).toString());
  }
}

const TIMEOUT = /^(\d{1,8})\s*([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};
/** What Node's timers can wait at most; longer is as good as for ever. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** `grpc-timeout` in milliseconds, or undefined if it is not written as it must be. */
export function readTimeout(header: string): number | undefined {
  const [, amount, unit = ""] = TIMEOUT.exec(header) ?? [];
  if (amount === undefined) return undefined;
  return Math.min(TIMER_MAX_MS, Number(amount) * (UNIT_MS[unit] ?? 1));
}
