import { Fault } from "#domain/fault";
import type { NodeId } from "#domain/id";
import { InvariantViolation } from "#domain/invariant";
import { NodeGone } from "#domain/node";
import type { Millis } from "#domain/time/time";
import { limits } from "#limits/index";

/** What an error of the database means for whoever called it. */
export type Trouble =
  /** The connection is gone, and with it the answer: the statement may have been carried out. */
  | "lost"
  /** The server takes no statements, or no writes, at present: nothing was written. */
  | "away"
  /** Another transaction was in the way: nothing was written, and the same statement may succeed now. */
  | "contended"
  /** The statement took too long and was cancelled. */
  | "slow"
  | "full"
  | "overloaded"
  /** A row with such a key is there. */
  | "taken"
  /** The node that sent it is gone: nothing was written. */
  | "node gone"
  /** A server is alone on the store: nothing was written. */
  | "alone"
  /** What was sent cannot be stored: a bug. */
  | "bug"
  /** The database is not what it should be. */
  | "unusable";

/** The connection ended before the answer came. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  /** False if the statement has not been sent. */
  readonly wasSent: boolean;

  constructor(message: string, wasSent: boolean, cause?: unknown) {
    super(message, { cause });
    this.wasSent = wasSent;
  }
}

/** As much of an error that the server sent as is used here. */
export interface ServerError extends Error {
  readonly code: string;
  readonly severity: string;
  readonly constraint?: string;
}

export function isServerError(error: unknown): error is ServerError {
  if (!(error instanceof Error)) return false;
  const { code, severity } = error as Partial<ServerError>;
  // An error of the system has a code too, of the same form: EPIPE.
  return typeof code === "string" && typeof severity === "string";
}

/** The five characters with which our own functions raise what must never happen. */
const ENDED_FOR_EVER = "TR002";
/** Another server has taken the store over. */
export const TAKEN_OVER = "TR004";
/** The message is the node's id. */
const NODE_GONE = "TR005";
const ALONE = "TR006";

/** By SQLSTATE, or its first two characters; see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const troubles: Readonly<Record<string, Trouble>> = {
  // Connection exceptions; admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout.
  "08": "lost",
  "57P01": "lost",
  "57P02": "lost",
  "57P03": "away",
  "57P05": "lost",
  "25P03": "lost",
  // read_only_sql_transaction: after a failover, the former primary or a standby.
  "25006": "away",
  // too_many_connections
  "53300": "away",
  // serialization_failure, deadlock_detected, lock_not_available
  "40001": "contended",
  "40P01": "contended",
  "55P03": "contended",
  // query_canceled
  "57014": "slow",
  // disk_full; out_of_memory, configuration_limit_exceeded
  "53100": "full",
  "53": "overloaded",
  "23505": "taken",
  // Data exceptions, and constraints.
  "22": "bug",
  "23": "bug",
  [ENDED_FOR_EVER]: "bug",
  [NODE_GONE]: "node gone",
  [ALONE]: "alone",
  // invalid_password and others like it: the server is there, and may let us in again.
  "28": "away",
  "3D": "away",
};

export function troubleOf(error: unknown): Trouble {
  if (error instanceof ConnectionLost) return "lost";
  if (!isServerError(error)) return "unusable";
  return troubles[error.code] ?? troubles[error.code.slice(0, 2)] ?? "unusable";
}

/** The reason of a Fault while the database is away. */
export const STORE_UNAVAILABLE = "STORE_UNAVAILABLE";

const FULL_AGAIN = 5_000 as Millis;

/** The error for the callers of a store. @param shown the database, without a password */
export function failureOf(error: unknown, shown: string): Error {
  if (error instanceof Fault || error instanceof InvariantViolation) return error;
  const said = error instanceof Error ? error.message : String(error);
  const code = isServerError(error) ? ` (SQLSTATE ${error.code})` : "";
  const nothing = "nothing was stored; send it again";
  const fault = (kind: "overloaded" | "disk_full" | "unavailable", reason: string, what: string) => {
    const retryAfter = kind === "disk_full" ? FULL_AGAIN : limits.retryAfter;
    return new Fault(kind, `${what}: ${nothing}`, { reason, retryAfter, cause: error });
  };
  switch (troubleOf(error)) {
    case "lost":
    case "away":
      return unavailable(shown, said, error);
    case "contended":
      return fault("overloaded", "STORE_BUSY", `${shown} is held by other transactions${code}`);
    case "slow":
      return fault("overloaded", "STORE_SLOW", `${shown} took too long${code}`);
    case "overloaded":
      return fault("overloaded", "STORE_BUSY", `${shown} is at a limit of its own: ${said}${code}`);
    case "full":
      return fault("disk_full", "DISK_FULL", `no room is left for ${shown}${code}`);
    case "node gone":
      return new NodeGone(said as NodeId);
    case "alone":
      return new Fault(
        "unavailable",
        `${shown} is in use by a server that shares it with no other; stop it`,
        {
          reason: "STORE_LOCKED",
        },
      );
    case "taken":
    case "bug":
      return new InvariantViolation(`${shown}: ${said}${code}`);
    case "unusable":
      return new Fault(
        "internal",
        `${shown} cannot be used: ${said}${code}; look at the database and start again`,
        {
          reason: "STORE_FAILED",
          cause: error,
        },
      );
  }
}

export function unavailable(shown: string, said: string, cause?: unknown): Fault {
  const message = `${shown} cannot be reached (${said}): nothing was stored; send it again`;
  return new Fault("unavailable", message, {
    reason: STORE_UNAVAILABLE,
    retryAfter: limits.retryAfter,
    ...(cause !== undefined && { cause }),
  });
}
