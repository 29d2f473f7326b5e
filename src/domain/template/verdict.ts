import type { Reason } from "../task/task.js";

/** The result of validating a value by a JSON Schema. */
export type Verdict = { readonly type: "fits" } | SchemaProblem;

export interface SchemaProblem {
  /**
   * `misfit`: the value does not match the schema. `limit`: this could not be determined within the limits of time and
   * memory. `invalid`: the schema itself is invalid.
   */
  readonly type: "misfit" | "limit" | "invalid";
  /** Names each place of a misfit, or the limit. Bounded in length. */
  readonly text: string;
}

export const FITS: Verdict = { type: "fits" };

/** Reasons that do not depend on the value alone, so that another attempt cannot help. */
export type SchemaReason = Extract<Reason, "SCHEMA_LIMIT" | "SCHEMA_INVALID">;

/** The reason of a problem; undefined for a misfit, for which another attempt may help. */
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
