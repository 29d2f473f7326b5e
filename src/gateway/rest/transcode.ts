import {
  clone,
  create,
  type DescMessage,
  equals,
  type JsonValue,
  type Message,
  mergeFromJson,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { Fault } from "#domain/fault";
import { decode } from "../traffic/decode.js";
import { jsonProblem } from "../traffic/json-problem.js";
import type { Binding } from "./http-rule.js";
import { fieldsOf, type JsonFields } from "./query.js";

/** What an HTTP request says of the message that it stands for. */
export interface HttpWords {
  /** The decoded variables of its path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Iterable<readonly [name: string, text: string]>;
  readonly body: Uint8Array;
}

/**
 * The request message of an rpc, by its binding: the body, and over it the query and the path, which never say the same.
 *
 * @throws {Fault} `invalid` with the name of the field or parameter: it is unknown, cannot be read, or is given twice in different ways
 */
export function requestOf(binding: Binding, { params, query, body }: HttpWords): Message {
  const { input } = binding.rpc;
  const message = ofBody(binding, body);
  checkAgreement(input, message, fieldsOf(input, Object.entries(params)));
  // Together, since both may have a part of the same message.
  const words = [...queryFor(binding, query), ...Object.entries(params)];
  merge(input, message, fieldsOf(input, words));
  return message;
}

function ofBody({ body, rpc: { input } }: Binding, bytes: Uint8Array): Message {
  if (body === "whole") return decode(input, orNothing(bytes), "json");
  if (bytes.length > 0 && body === undefined) throw bodyUnexpected();
  const message = create(input);
  if (body?.fieldKind === "message")
    reflect(input, message).set(body, reflect(body.message, decode(body.message, orNothing(bytes), "json")));
  return message;
}

/** A body that is left out says nothing, as `{}` does. */
function orNothing(bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 ? NOTHING : bytes;
}

const NOTHING = Buffer.from("{}");

/** The parameters, none of which may set what the path or the body sets. */
function* queryFor(
  { template, body, rule }: Binding,
  query: HttpWords["query"],
): Generator<readonly [string, string]> {
  for (const [name, text] of query) {
    const [first = ""] = name.split(/[.[]/, 1);
    if (body === "whole") throw inBody(name);
    if (template.variables.includes(name) || first === rule.body) throw elsewhere(name);
    yield [name, text];
  }
}

/** @throws {Fault} `invalid` */
function merge(input: DescMessage, message: Message, fields: JsonFields): void {
  try {
    mergeFromJson(input, message, fields as JsonValue);
  } catch (cause) {
    throw jsonProblem(input, JSON.stringify(fields), cause as Error);
  }
}

/** The body may repeat what the path says, but not contradict it: one of them would be ignored. */
function checkAgreement(input: DescMessage, message: Message, path: JsonFields): void {
  for (const [name, value] of Object.entries(path)) {
    const field = input.fields.find((each) => each.name === name);
    if (!field || !reflect(input, message).isSet(field)) continue;
    const other = clone(input, message);
    mergeFromJson(input, other, { [name]: value } as JsonValue);
    if (!equals(input, message, other)) throw contradicts(name);
  }
}

function contradicts(field: string): Fault {
  const text = `${field} is another one in the body than in the path: leave it out of the body.`;
  return new Fault("invalid", text, { field, reason: "PARAMETER_INVALID" });
}

function elsewhere(field: string): Fault {
  const text = `${field} is set by the path or the body: leave it out of the query.`;
  return new Fault("invalid", text, { field, reason: "PARAMETER_INVALID" });
}

function inBody(name: string): Fault {
  const field = name.slice(0, 256);
  const text = `${field} is in the query, but this path takes its fields in the body, as JSON.`;
  return new Fault("invalid", text, { field, reason: "PARAMETER_INVALID" });
}

/** A body that nothing reads: who sent it meant something by it. */
export function bodyUnexpected(): Fault {
  const text = "this path takes no body: send its fields in the query.";
  return new Fault("invalid", text, { reason: "BODY_UNEXPECTED" });
}
