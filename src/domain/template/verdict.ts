import type { Reason } from "../task/task.js";

/** What checking a value by a JSON Schema comes to. */
export type Verdict = { readonly type: "fits" } | SchemaProblem;

export interface SchemaProblem {
  /**
   * `misfit`: the value does not fit. `limit`: whether it does could not be found out within the limits of time and
   * memory. `invalid`: the schema is none.
   */
  readonly type: "misfit" | "limit" | "invalid";
  /** Names each place of a misfit, or the limit. Bounded in length. */
  readonly text: string;
}

export const FITS: Verdict = { type: "fits" };

/** Why a value is refused that no other value of the same kind would be spared: trying again cannot help. */
export type SchemaReason = Extract<Reason, "SCHEMA_LIMIT" | "SCHEMA_INVALID">;

/** Undefined for a misfit, which is the value's own fault: another value may fit. */
export function schemaReason({ type }: SchemaProblem): SchemaReason | undefined {
  if (type === "misfit") return undefined;
  return type === "limit" ? "SCHEMA_LIMIT" : "SCHEMA_INVALID";
}

/** The problem as the end of a sentence that begins with what was checked, and names the schema. */
export function misfitOf(what: string, schema: string, problem: SchemaProblem): string {
  const reason = schemaReason(problem);
  if (reason === undefined) return `${what} does not fit ${schema}: ${problem.text}`;
  return `${reason}: ${what} could not be checked by ${schema}: ${problem.text}`;
}
