import { Fault } from "#domain/fault";

/** What a use case calls a field of its input, and what the request of Tasker called it; fields that are not here have one name. */
export type FieldNames = Readonly<Record<string, string>>;

/** The names of {@link newTaskFields}. */
export const newTaskNames: FieldNames = {
  "template.namespace": "namespace",
  "template.name": "name",
  "template.version": "version",
  input_json: "context",
  created_by: "initiator",
};

/** Of an update of a dead letter. */
export const letterNames: FieldNames = {
  task_id: "dlq_entry_uuid",
  status: "resolution_status",
  notes: "resolution_notes",
};

/**
 * What a use case answers, or its fault with the field as its sender knows it: in details, and where the message begins with it.
 *
 * @param within the field of the use case that has all of the request, which is no field of the request
 */
export async function namedAsSent<View>(asked: Promise<View>, names: FieldNames, within = ""): Promise<View> {
  try {
    return await asked;
  } catch (error) {
    throw renamed(error, names, within === "" ? "" : `${within}.`);
  }
}

function renamed(error: unknown, names: FieldNames, within: string): unknown {
  if (!(error instanceof Fault) || error.details.field === undefined) return error;
  const asSent = (text: string) => {
    const inner = text.startsWith(within) ? text.slice(within.length) : text;
    const ours = Object.keys(names).find((name) => beginsWith(inner, name));
    return ours === undefined ? inner : `${names[ours]}${inner.slice(ours.length)}`;
  };
  const field = asSent(error.details.field);
  if (field === error.details.field) return error;
  return new Fault(error.code, asSent(error.message), { ...error.details, field });
}

/** True if the text is the name, or goes on after it with no letter of a name. */
function beginsWith(text: string, name: string): boolean {
  return text.startsWith(name) && !/^\w/.test(text.slice(name.length));
}
