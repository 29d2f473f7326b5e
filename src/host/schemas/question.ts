import type { Verdict } from "#domain/verdict";

/** What a thread is asked: one thing at a time. */
export interface Question {
  /** Of the schema: two that are the same text are one. */
  readonly digest: string;
  /** The schema and the value as JSON text. */
  readonly schema: string;
  readonly json: string;
}

/** `ready` comes first and once. A verdict that is not the last is what counts if no other comes. */
export type Answer = "ready" | { readonly digest: string; readonly verdict: Verdict; readonly last: boolean };

/** What a thread may use for one question. */
export interface Allowance {
  readonly milliseconds: number;
  /** Heap of the thread. */
  readonly megabytes: number;
}

/** Why a thread gave no verdict: it used up what it was allowed, or it could not be run at all. */
export type Miss = { readonly type: "time" | "memory" } | { readonly type: "failed"; readonly error: Error };
