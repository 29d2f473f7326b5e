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
  if (typeof result !== "object" || result === null) {
    const { vendor } = schema["~standard"];
    throw new TypeError(
      `a schema of ${vendor} answered ${String(result)}: validate gives { value } or { issues }`,
    );
  }
  if (!result.issues) return { fits: true, value: result.value };
  const problem = Array.from(result.issues, (issue) => inWords(issue, whole)).join("; ");
  return { fits: false, problem: problem || `${whole}: its schema gives no reason` };
}

function isPromise<Value>(made: Value | Promise<Value>): made is Promise<Value> {
  return typeof (made as Partial<Promise<Value>> | undefined)?.then === "function";
}

function inWords({ path = [], message }: StandardIssue, whole: string): string {
  const keys = path.map((part) => String(typeof part === "object" && part !== null ? part.key : part));
  return `${keys.join(".") || whole}: ${message}`;
}
