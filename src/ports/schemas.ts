import type { JsonObject } from "#domain/json";

/** JSON Schema 2020-12. */
export interface Schemas {
  /**
   * What is wrong with the value, naming each path, or undefined if nothing is. Bounded in length.
   *
   * @throws {Fault} `invalid` if the schema itself is none
   */
  problemOf(schema: JsonObject, value: unknown): string | undefined;
}
