import type { JsonObject } from "#domain/json/json";
import type { Verdict } from "#domain/template/verdict";

/**
 * Validates JSON values by JSON Schema 2020-12. Values are parsed as `JSON.parse` does.
 *
 * The author of a template chooses the schema, and with it the cost of a check. Therefore {@link known} answers
 * synchronously only if the check is known to be cheap, and {@link judge} answers asynchronously within limits of time and
 * memory.
 *
 * @example
 * ```ts
 * import type { Schemas } from "taskrun/ports/schemas";
 *
 * const schema = { type: "object", required: ["name"] };
 *
 * async function fits(schemas: Schemas, json: string): Promise<boolean> {
 *   const verdict = schemas.known(schema, json) ?? (await schemas.judge(schema, json));
 *   return verdict.type === "fits";
 * }
 * ```
 */
export interface Schemas {
  /**
   * Returns the verdict if finding it is cheap; undefined if {@link judge} must be called. Never compiles a schema.
   *
   * @param json a JSON text
   */
  known(schema: JsonObject, json: string): Verdict | undefined;

  /**
   * Finds the verdict by any schema, including hostile ones, without blocking the event loop. A check that exceeds its
   * limits has the verdict `limit`.
   *
   * @throws {Fault} `overloaded` if too many checks are pending, `unavailable` if none can be made now; both may be
   *   retried
   */
  judge(schema: JsonObject, json: string): Promise<Verdict>;

  /** Ends background work. Pending checks reject with `unavailable`. */
  close(): Promise<void>;
}

/**
 * A verdict attached to a message that was set aside for it and is decided again.
 *
 * @example
 * ```ts
 * import type { KnownVerdict, Schemas } from "taskrun/ports/schemas";
 *
 * async function judged(schemas: Schemas, schema: KnownVerdict["schema"], json: string): Promise<KnownVerdict> {
 *   return { schema, json, verdict: await schemas.judge(schema, json) };
 * }
 * ```
 */
export interface KnownVerdict {
  readonly schema: JsonObject;
  readonly json: string;
  readonly verdict: Verdict;
}
