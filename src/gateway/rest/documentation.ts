/** A JSON Schema of draft 2020-12, which is what OpenAPI 3.1 has. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One answer of an operation. */
export interface DocumentedAnswer {
  /** When it is given. */
  readonly description: string;
  /** Absent if it has no body. */
  readonly schema?: JsonSchema;
  readonly example?: unknown;
  /** Default: `application/json`. */
  readonly contentType?: string;
  /** Other forms of it, by their content type. */
  readonly more?: Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>;
}

/** A parameter of the query, or a header. */
export interface DocumentedParameter {
  readonly name: string;
  readonly in: "query" | "header";
  readonly description: string;
  /** Default: a string. */
  readonly schema?: JsonSchema;
  readonly required?: boolean;
}

/**
 * What the OpenAPI document says of an operation or page that is written by hand. Of one that a rule makes everything is in the
 * descriptors; of all the permission is in the policy, the variables of the path are in the path, and failures have one form.
 *
 * A schema may refer to a message of the protocol, as `{ $ref: "#/components/schemas/taskrun.v1.Task" }`, and to those of its own
 * `schemas`.
 */
export interface Documentation {
  /** For a list of operations: half a sentence. */
  readonly summary: string;
  /** What else there is to know, in Markdown. */
  readonly description?: string;
  /** What it stands under, for example `Tasks`. */
  readonly tag: string;
  /** What the variables of the path are, by name. */
  readonly path?: Readonly<Record<string, string>>;
  /** What the variables of the path are in its example, by name; a test asks for that. */
  readonly samples?: Readonly<Record<string, string>>;
  readonly parameters?: readonly DocumentedParameter[];
  readonly request?: { readonly schema: JsonSchema; readonly example: unknown };
  /** What is answered if nothing is wrong, by status. */
  readonly answers: Readonly<Record<number, DocumentedAnswer>>;
  /** The statuses of failures that it has beside those of every operation. */
  readonly failures?: readonly number[];
  /** Schemas that operations share, by name; the same name is the same schema everywhere. */
  readonly schemas?: Readonly<Record<string, JsonSchema>>;
}
