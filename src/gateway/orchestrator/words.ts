import { Fault } from "#domain/fault";

/** Calls `ask`, and has a refusal name the field of the caller's own message, if `names` has one for ours. */
export async function inWordsOf<Answer>(
  names: Readonly<Record<string, string>>,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    const { field = "" } = error instanceof Fault ? error.details : {};
    const name = Object.hasOwn(names, field) ? names[field] : undefined;
    if (!(error instanceof Fault) || name === undefined) throw error;
    throw new Fault(error.code, error.message.replaceAll(field, name), { ...error.details, field: name });
  }
}
