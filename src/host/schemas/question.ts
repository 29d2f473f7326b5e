import type { Verdict } from "#domain/template/verdict";

/** A check for a thread. */
export interface Question {
  /** Identifies the schema by its text. */
  readonly digest: string;
  /** The schema and the value as JSON text. */
  readonly schema: string;
  readonly json: string;
}

/** A thread's message: `ready` once at first; then verdicts, of which a preliminary one counts if no last one follows. */
export type Answer = "ready" | { readonly digest: string; readonly verdict: Verdict; readonly last: boolean };

/** The limits of one question. */
export interface Allowance {
  readonly milliseconds: number;
  /** Limit of the thread's heap. */
  readonly megabytes: number;
}

/** Why there is no verdict: the question exceeded its time or memory, or the thread could not run. */
export type Miss = { readonly type: "time" | "memory" } | { readonly type: "failed"; readonly error: Error };
