/** What was thrown, for people. Anything can be thrown, and reading it may throw again: this never does. */
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

/** Also an error of another realm, which is no `Error` here, and one that is none but has a message. */
function ofObject(thrown: object): string {
  const { name, message } = thrown as Partial<Record<"name" | "message", unknown>>;
  if (typeof message === "string") {
    return typeof name === "string" && name !== "" ? `${name}: ${message}` : message;
  }
  if (thrown instanceof Error)
    return `${typeof name === "string" ? name : "Error"}, whose message is no text`;
  return JSON.stringify(thrown) ?? "an object was thrown that JSON cannot say";
}
