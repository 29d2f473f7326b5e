import type { ConnectionOptions } from "../connection.js";
import type { JsonOption } from "../task/task.js";

export interface DoctorOptions extends ConnectionOptions, JsonOption {
  readonly config?: string;
}

/** What one check has found. */
export interface Finding {
  /** What was checked. */
  readonly check: string;
  /** `skipped` where something else has to be put right first, or there is nothing to check. */
  readonly state: "ok" | "warning" | "wrong" | "skipped";
  readonly says: string;
  /** What to do, if something is. */
  readonly next?: string;
}

export function ok(check: string, says: string): Finding {
  return { check, state: "ok", says };
}

export function warning(check: string, says: string, next: string): Finding {
  return { check, state: "warning", says, next };
}

export function wrong(check: string, says: string, next: string): Finding {
  return { check, state: "wrong", says, next };
}

export function skipped(check: string, says: string): Finding {
  return { check, state: "skipped", says };
}
