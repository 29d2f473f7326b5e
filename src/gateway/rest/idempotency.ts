import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { Fault } from "#domain/fault";
import type { RestRequest } from "./operation.js";

/**
 * The message with the key of the header `Idempotency-Key`, if it has a field for one, or its task has.
 *
 * @throws {Fault} `invalid` if the message has another key
 */
export function idempotent<Schema extends DescMessage>(
  schema: Schema,
  message: MessageShape<Schema>,
  { header }: Pick<RestRequest, "header">,
): MessageShape<Schema> {
  const key = header("idempotency-key");
  if (key === undefined) return message;
  const field = schema.fields.find(({ name }) => name === "idempotency_key");
  if (!field) {
    const task = schema.fields.find(({ name }) => name === "task");
    if (task?.fieldKind === "message") {
      const inner = reflect(schema, message).get(task).message;
      reflect(schema, message).set(task, reflect(task.message, idempotent(task.message, inner, { header })));
    }
    return message;
  }
  const fields = reflect(schema, message);
  const given = fields.get(field);
  if (given !== "" && given !== key) throw twoKeys();
  fields.set(field, key);
  return message;
}

function twoKeys(): Fault {
  const message = "idempotency_key is another one than the header Idempotency-Key: send one of them.";
  return new Fault("invalid", message, { field: "idempotency_key", reason: "PARAMETER_INVALID" });
}
