import { Conflict, type RowRef } from "#domain/conflict";
import { Fault, type FaultCode } from "#domain/fault";
import { InvariantViolation } from "#domain/invariant";
import { SqliteError } from "./driver.js";
import { DamagedRow } from "./rows/checksum.js";

/**
 * The reason of a Fault after which the store cannot be used any more: the process must end and open the file again.
 */
export const STORE_FAILED = "STORE_FAILED";

/** Like it, because something in the file is not what was written. */
export const STORE_DAMAGED = "STORE_DAMAGED";

/** An error in the form that is passed from one thread to another. */
export type Failure =
  | {
      readonly type: "fault";
      readonly code: FaultCode;
      readonly message: string;
      readonly reason: string;
      /** Of a `Conflict`. */
      readonly moved?: readonly RowRef[];
    }
  | { readonly type: "invariant"; readonly message: string };

/** Primary result codes of SQLite. */
const BUSY = 5;
const CORRUPT = 11;
const FULL = 13;
const CONSTRAINT = 19;
const NOTADB = 26;
/** The shared memory of the write-ahead log could not grow; nothing has been written yet. */
const IOERR_SHMSIZE = 4874;

export function isFull(error: unknown): boolean {
  // Of a file beside the store, before anything is written to the store itself.
  if (error instanceof Error && (error as NodeJS.ErrnoException).code === "ENOSPC") return true;
  return error instanceof SqliteError && ((error.code & 0xff) === FULL || error.code === IOERR_SHMSIZE);
}

/** True if SQLite has found the file damaged, or a checksum has found a damaged row. */
export function isDamage(error: unknown): boolean {
  if (error instanceof DamagedRow) return true;
  return error instanceof SqliteError && [CORRUPT, NOTADB].includes(error.code & 0xff);
}

export function isBusy(error: unknown): boolean {
  return error instanceof SqliteError && (error.code & 0xff) === BUSY;
}

/**
 * Converts an error of the store's thread to the Fault for its callers. An I/O error ends the store, because it is
 * unknown what is on the disk and what only in its cache; so does any unforeseen error.
 */
export function failureOf(error: unknown, path: string): Failure {
  if (error instanceof Fault) {
    const { code, message, reason } = error;
    return { type: "fault", code, message, reason, ...(error instanceof Conflict && { moved: error.moved }) };
  }
  if (isDamage(error)) {
    const code = error instanceof SqliteError ? ` (SQLite code ${error.code})` : "";
    return damaged(`${path} is damaged: ${messageOf(error)}${code}`);
  }
  if (error instanceof InvariantViolation) return { type: "invariant", message: error.message };
  const said = messageOf(error);
  if (isFull(error)) {
    const message = `no room left for ${path}: nothing was stored; free some space and send it again`;
    return { type: "fault", code: "disk_full", message, reason: "DISK_FULL" };
  }
  if (isBusy(error)) {
    const message = `${path} is locked by another program: nothing was stored; end it and send it again`;
    return { type: "fault", code: "overloaded", message, reason: "STORE_BUSY" };
  }
  if (error instanceof SqliteError && (error.code & 0xff) === CONSTRAINT) {
    return { type: "invariant", message: `${path}: ${said}` };
  }
  const code = error instanceof SqliteError ? ` (SQLite code ${error.code})` : "";
  return failed(`${path} cannot be used any more: ${said}${code}; end this process and look at the disk`);
}

export function failed(message: string): Failure {
  return { type: "fault", code: "internal", message, reason: STORE_FAILED };
}

/** @param what is damaged, as a sentence without its full stop */
export function damaged(what: string): Failure & { readonly type: "fault" } {
  const advice =
    "nothing of it is served; `taskrun store verify` says all that is wrong, and `taskrun server --repair` starts without it";
  return { type: "fault", code: "internal", message: `${what}; ${advice}`, reason: STORE_DAMAGED };
}

/** True if the store must not be used any more after this fault. */
export function isFinal(failure: Failure): boolean {
  return failure.type === "fault" && (failure.reason === STORE_FAILED || failure.reason === STORE_DAMAGED);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function errorOf(failure: Failure): Fault | InvariantViolation {
  if (failure.type === "invariant") return new InvariantViolation(failure.message);
  if (failure.moved) return new Conflict(failure.message, failure.moved);
  return new Fault(failure.code, failure.message, { reason: failure.reason });
}
