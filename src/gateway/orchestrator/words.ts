import { Fault } from "#domain/fault";

/** The same error; a refusal names the field of the caller's own message, if `names` has one for ours. */
export function inWords(names: Readonly<Record<string, string>>, error: unknown): unknown {
  const { field = "" } = error instanceof Fault ? error.details : {};
  const name = Object.hasOwn(names, field) ? names[field] : undefined;
  if (!(error instanceof Fault) || name === undefined) return error;
  return new Fault(error.code, error.message.replaceAll(field, name), { ...error.details, field: name });
}

/** Calls `ask`, and has a refusal name the field of the caller's own message, if `names` has one for ours. */
export async function inWordsOf<Answer>(
  names: Readonly<Record<string, string>>,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    throw inWords(names, error);
  }
}
