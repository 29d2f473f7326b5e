import type { OutputOfSchema, StandardIssue, StandardSchema } from "./types.js";

/** The value as the schema gives it, or why it does not fit, for people. */
export type Validated<Value> =
  | { readonly fits: true; readonly value: Value }
  | { readonly fits: false; readonly problem: string };

/**
 * Validates a value, at once if the schema can.
 *
 * @param whole what a problem of the whole value is called, for example `input`
 * @throws whatever the schema's own functions throw
 */
export async function validated<Schema extends StandardSchema>(
  schema: Schema,
  value: unknown,
  whole: string,
): Promise<Validated<OutputOfSchema<Schema>>> {
  const made = schema["~standard"].validate(value);
  const result = isPromise(made) ? await made : made;
  if (result.issues === undefined) return { fits: true, value: result.value };
  return { fits: false, problem: result.issues.map((issue) => inWords(issue, whole)).join("; ") };
}

function isPromise<Value>(made: Value | Promise<Value>): made is Promise<Value> {
  return typeof (made as Partial<Promise<Value>> | undefined)?.then === "function";
}

function inWords({ path = [], message }: StandardIssue, whole: string): string {
  const keys = path.map((part) => String(typeof part === "object" ? part.key : part));
  return `${keys.join(".") || whole}: ${message}`;
}
