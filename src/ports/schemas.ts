import type { JsonObject } from "#domain/json";
import type { Verdict } from "#domain/verdict";

/**
 * Checks JSON by JSON Schema 2020-12. A value is what `JSON.parse` makes of its text, as an agent will see it.
 *
 * What a schema costs is its author's choice, so there are two ways: {@link known} answers at once, and only where
 * that is known to be cheap; {@link judge} answers later, and is never longer about it than its limits allow.
 */
export interface Schemas {
  /**
   * The verdict, if it costs little to find it; undefined if it must be asked of {@link judge}. Compiles nothing.
   *
   * @param json text of a JSON value
   */
  known(schema: JsonObject, json: string): Verdict | undefined;

  /**
   * The verdict on a value by any schema, however hostile. Nobody else waits meanwhile.
   *
   * @throws {Fault} `overloaded` if too much waits to be checked, `unavailable` if nothing can be checked now; the
   *   question may be asked again
   */
  judge(schema: JsonObject, json: string): Promise<Verdict>;

  /** Ends what runs in the background. Who still waits for a verdict is told `unavailable`. */
  close(): Promise<void>;
}

/** A verdict that a message brings along, which an earlier attempt to decide it lacked. */
export interface KnownVerdict {
  readonly schema: JsonObject;
  readonly json: string;
  readonly verdict: Verdict;
}
