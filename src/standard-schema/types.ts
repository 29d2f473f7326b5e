/*
 * The types of Standard Schema 1 (standardschema.dev), as far as they are used here: what zod from 4.0 on, valibot,
 * arktype and others have in common. They stand here so that no public type names a package: a user's schemas are of
 * whatever version of whichever library the user has.
 */

/**
 * A schema of any library that implements Standard Schema, such as zod 4, valibot or arktype.
 *
 * @example A schema by hand
 * ```ts
 * import { agent, type StandardSchema } from "taskrun/worker";
 *
 * const text: StandardSchema<string> = {
 *   "~standard": {
 *     version: 1,
 *     vendor: "example",
 *     validate: (value) => (typeof value === "string" ? { value } : { issues: [{ message: "no text" }] }),
 *   },
 * };
 * const shout = agent({ name: "shout", input: text, run: async (words) => words.toUpperCase() });
 * ```
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": StandardProps<Input, Output>;
}

/** The properties of a {@link StandardSchema}. */
export interface StandardProps<Input, Output> {
  readonly version: 1;
  /** The library's name. */
  readonly vendor: string;
  /** For the compiler; does not exist at run time. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  validate(value: unknown): StandardResult<Output> | Promise<StandardResult<Output>>;
}

/** The outcome of a validation: a value if there are no issues. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** Why a value does not fit. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type of the values that a schema takes, before its defaults and transforms. */
export type InputOfSchema<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["input"];

/** The type of the values that a schema gives, after its defaults and transforms. */
export type OutputOfSchema<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"];
