/** Describes a thrown value of any kind, for people. Never throws, even if reading the value does. */
export function inWords(thrown: unknown): string {
  try {
    return (
      typeof thrown === "object" && thrown !== null ? ofObject(thrown) : ofPlain(thrown)
    ).toWellFormed();
  } catch {
    return "something was thrown that cannot be read";
  }
}

function ofPlain(thrown: unknown): string {
  return thrown === undefined ? "undefined was thrown" : String(thrown);
}

/** Any object with a message counts as an error: one of another realm is no `instanceof Error`. */
function ofObject(thrown: object): string {
  const { name, message } = thrown as Partial<Record<"name" | "message", unknown>>;
  if (typeof message === "string") {
    return typeof name === "string" && name !== "" ? `${name}: ${message}` : message;
  }
  if (thrown instanceof Error)
    return `${typeof name === "string" ? name : "Error"}, whose message is no text`;
  return JSON.stringify(thrown) ?? "an object was thrown that JSON cannot say";
}
